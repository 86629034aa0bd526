import time

from invok import Response


def handler(request):
    """Streams server-sent events: as many as ?count says, a tenth of a second apart."""
    count = min(int(request.query.get("count", 5)), 100)
    return Response(events(count), content_type="text/event-stream")


def events(count):
    for number in range(1, count + 1):
        yield f"id: {number}\ndata: tick {number} of {count}\n\n"
        time.sleep(0.1)
