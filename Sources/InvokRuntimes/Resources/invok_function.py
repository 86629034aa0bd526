"""Finds what serves requests in function.py, and turns what a handler returns into an answer."""

import sys

from invok import Response, pairs

COROUTINE, ASYNC_GENERATOR = 0x80, 0x200
TEXT, BINARY, JSON = "text/plain; charset=utf-8", "application/octet-stream", "application/json"


def load():
    """Imports function.py. Returns what is called with each (request, answer)."""
    import function

    handler = getattr(function, "handler", None)
    if callable(handler):
        if flags(handler) & (COROUTINE | ASYNC_GENERATOR):
            from invok_asyncio import Handler

            return Handler(handler)
        return lambda request, answer: respond(handler(request), answer, request)
    app = getattr(function, "app", None)
    if callable(app):
        if flags(app) & COROUTINE:
            from invok_asyncio import Application

            return Application(app)
        from invok_wsgi import Application

        return Application(app)
    print("function.py has neither 'def handler(request)' nor a WSGI or ASGI 'app'", file=sys.stderr)
    sys.exit(1)


def flags(target):
    """The code flags of a function, or of what a callable object runs."""
    while hasattr(target, "func"):  # functools.partial
        target = target.func
    code = getattr(target, "__code__", None) or getattr(getattr(type(target), "__call__", None), "__code__", None)
    return code.co_flags if code else 0


def respond(result, answer, request):
    """Answers with what a handler returned."""
    if hasattr(result, "__await__") or hasattr(result, "__aiter__"):
        from invok_asyncio import finish

        return finish(result, answer, request)
    status, headers, body = parts(result)
    if hasattr(body, "__aiter__"):
        from invok_asyncio import finish

        return finish(Response(body, status, headers), answer, request)
    kind, data = encoded(body)
    if kind is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers = headers + [("Content-Type", kind)]
    if data is not None:
        return answer.start(status or (200 if body is not None else 204), headers, len(data), data)
    stream(iter(body), answer, status or 200, headers)


def parts(result):
    """(status or None, header pairs, body) of what a handler may return."""
    if isinstance(result, Response):
        return result.status, result.headers, result.body
    if isinstance(result, tuple):
        if len(result) not in (2, 3) or not isinstance(result[1], int):
            raise TypeError("a handler's tuple must be (body, status) or (body, status, headers)")
        return int(result[1]), pairs(result[2] if len(result) == 3 else None), result[0]
    return None, [], result


def encoded(body):
    """(standard content type, bytes) of a body, or (type, None) for one that is streamed."""
    if body is None:
        return None, b""
    if isinstance(body, str):
        return TEXT, body.encode()
    if isinstance(body, (bytes, bytearray, memoryview)):
        return BINARY, bytes(body)
    if isinstance(body, (dict, list, int, float)):
        import json

        return JSON, json.dumps(body, ensure_ascii=False).encode()
    if hasattr(body, "__iter__"):
        return BINARY if hasattr(body, "read") else TEXT, None
    raise TypeError(f"a handler cannot return {type(body).__name__}")


def stream(chunks, answer, status, headers):
    """Sends each part as it comes. An error before the first one is still a 500."""
    try:
        first = next(chunks, None)
        answer.start(status, headers, None, b"" if first is None else binary(first))
        if answer.bodiless:
            return
        for chunk in chunks:
            answer.write(binary(chunk))
    finally:
        if hasattr(chunks, "close"):
            chunks.close()


def binary(chunk):
    return chunk.encode() if isinstance(chunk, str) else bytes(chunk)
