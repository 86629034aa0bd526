// Python, of the standard library alone.

/** @type {Record<string, string>} */
export const sources = {
  json: `import json


def handler(request):
    """Adds up the numbers of {"numbers": [1, 2, 3]}; a dict is answered as JSON."""
    if request.method != "POST":
        return {"usage": "POST {\\"numbers\\": [1, 2, 3]}"}
    numbers = json.loads(request.body)["numbers"]
    print(f"adding {len(numbers)} numbers")
    return {"sum": sum(numbers), "count": len(numbers)}
`,
  page: `from html import escape

from invok import Response


def handler(request):
    """A page; what comes from outside is escaped before it stands in it."""
    name = escape(request.query.get("name", "world"))
    page = f"""<!doctype html>
<meta charset="utf-8">
<title>Hello, {name}</title>
<style>
  body {{ font: 18px/1.6 system-ui; display: grid; place-items: center; min-height: 90vh; margin: 0; color: #1c2030 }}
  button {{ font: inherit; padding: 8px 18px; border: 0; border-radius: 8px; background: #4146d1; color: white }}
</style>
<main>
  <h1>Hello, {name}!</h1>
  <button id="count">Clicked 0 times</button>
</main>
<script>
  let clicks = 0;
  count.onclick = () => count.textContent = \`Clicked \${{++clicks}} times\`;
</script>
"""
    return Response(page, content_type="text/html; charset=utf-8")
`,
  stream: `import time

from invok import Response


def handler(request):
    """What a generator yields is sent at once."""
    return Response(countdown(), content_type="text/plain; charset=utf-8")


def countdown():
    yield "Counting down…\\n"
    for number in range(5, 0, -1):
        yield f"{number}\\n"
        time.sleep(0.3)
    yield "Lift-off.\\n"
`,
  image: `import math
import struct
import zlib

from invok import Response

SIZE = 256


def handler(request):
    """A PNG, made by hand: three waves that meet."""
    rows = bytearray()
    for y in range(SIZE):
        rows.append(0)
        for x in range(SIZE):
            waves = (math.hypot(x - cx, y - cy) / 9 for cx, cy in ((40, 60), (220, 80), (120, 230)))
            level = sum(math.sin(wave) for wave in waves) / 6 + 0.5
            rows += bytes((int(60 + 120 * level), int(70 + 60 * level), int(209 + 40 * level)))
    return Response(png(rows), content_type="image/png")


def png(rows):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    return b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(rows))) + chunk(b"IEND", b"")
`,
};
