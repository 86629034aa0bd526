"""Measures what packages cost at a deploy: Flask from requirements.txt, the first time beside `pip install` by hand, and with
nothing changed but the handler beside a function that asks for nothing: with the start of the new version, in which Flask is
imported, and without it. Prints rows of docs/benchmarks.md.

Arguments: the path of `invok-core`, and of an empty directory to work in. ROUNDS=N (5) says how often. It takes a python3 with
pip, and the registry that pip's settings name; what that answers within differs, so the two are asked in turn.
"""

import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench_lib import Core, Failed, row

CORE, WORK = sys.argv[1], Path(sys.argv[2]).resolve()
ROUNDS = int(os.environ.get("ROUNDS", "5"))
ASKED = "flask==3.0.3\n"
APP = "from flask import Flask\napp = Flask(__name__)\n@app.get('/')\ndef root(): return 'round {}'\n"
PLAIN = "def handler(request): return 'round {}'\n"


def timed(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def deploy(core, headers, name, files):
    config = {"function_name": name, "runtime": "python", "access": "public"}
    status, text, _ = core.deploy(headers, config, files)
    if status >= 300:
        raise Failed(f"deploy of {name}: {status} {text.decode()}")


def start_seconds(core, headers, namespace, name):
    """What the newest instance took until it was ready, as the function's log has it."""
    log = core.expect("GET", f"/api/v1/functions/{namespace}/{name}/logs?limit=1000", headers=headers).decode()
    return int(re.findall(r"instance ready after (\d+) ms", log)[-1]) / 1000


def by_hand(folder):
    requirements = folder.with_suffix(".txt")
    requirements.write_text(ASKED)
    subprocess.run(
        ["python3", "-m", "pip", "install", "--quiet", "--no-cache-dir", "--target", str(folder), "-r", str(requirements)],
        check=True, stderr=subprocess.DEVNULL)


def main():
    hand, first, again, plain, again_start, plain_start = [], [], [], [], [], []
    for number in range(ROUNDS):
        folder = WORK / f"round-{number}"
        folder.mkdir(parents=True)
        # A cache of its own, so that the server has nothing of an earlier round.
        core = Core(CORE, folder / "data", {"INVOK_CACHE_DIR": str(folder / "cache")})
        try:
            namespace, headers = core.register()
            app = lambda text: {"function.py": APP.format(text), "requirements.txt": ASKED}  # noqa: E731
            works = [
                lambda: hand.append(timed(lambda: by_hand(folder / "packages"))),
                lambda: first.append(timed(lambda: deploy(core, headers, "app", app("first")))),
            ]
            for work in works if number % 2 == 0 else reversed(works):
                work()
            deploy(core, headers, "plain", {"function.py": PLAIN.format("first")})
            for turn in range(5):
                again.append(timed(lambda: deploy(core, headers, "app", app(turn))))
                again_start.append(start_seconds(core, headers, namespace, "app"))
                plain.append(timed(lambda: deploy(core, headers, "plain", {"function.py": PLAIN.format(turn)})))
                plain_start.append(start_seconds(core, headers, namespace, "plain"))
            if core.expect("GET", f"/invok/{namespace}/app") != b"round 4":
                raise Failed("the app does not answer")
        finally:
            core.stop()
            shutil.rmtree(folder)
    built = statistics.median(whole - start for whole, start in zip(again, again_start))
    built_plain = statistics.median(whole - start for whole, start in zip(plain, plain_start))
    hand, first, again, plain = map(statistics.median, (hand, first, again, plain))
    row("Flask's first deploy ÷ `pip install` by hand", "≤ 1.3", f"{first / hand:.2f} ({first:.1f} s to {hand:.1f} s)")
    row("deploy with another handler ÷ deploy without packages", "≤ 1.1",
        f"{again / plain:.2f} ({again * 1000:.0f} ms to {plain * 1000:.0f} ms)")
    row("the same without the start of the instance", "–",
        f"{built / built_plain:.2f} ({built * 1000:.0f} ms to {built_plain * 1000:.0f} ms)")


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(str(error))
