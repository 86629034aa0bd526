"""Serves a WSGI application (PEP 3333)."""

import io
import os
import sys

from invok import unquote


class Application:
    def __init__(self, app):
        self.app = app

    def __call__(self, request, answer):
        started = []

        def start_response(status, headers, exc_info=None):
            if started and exc_info is None:
                raise AssertionError("start_response was called twice")
            if exc_info is not None and answer.begun:
                raise exc_info[1].with_traceback(exc_info[2])
            started[:] = [int(status.split(" ", 1)[0]), list(headers)]
            return write

        def write(data):
            if answer.begun:
                return answer.write(data)
            if not started:
                raise AssertionError("the application did not call start_response")
            length = len(parts[0]) if isinstance(parts, list) and len(parts) == 1 and not named(started[1]) else None
            answer.start(*started, length, data)

        parts = None
        parts = self.app(environ(request, answer), start_response)
        try:
            for part in parts:
                if part:
                    write(part)
            if not answer.begun:
                if not started:
                    raise AssertionError("the application did not call start_response")
                answer.start(*started, None if named(started[1]) else 0)
        finally:
            if hasattr(parts, "close"):
                parts.close()


def named(headers):
    return any(name.lower() == "content-length" for name, _ in headers)


def authority(request):
    """The host and the port that the caller has asked for."""
    host, colon, port = request.headers.get("host", "localhost").rpartition(":")
    if not colon or not port.isdigit():
        host, port = (host + colon + port).rstrip(":"), ""
    standard = 443 if request.headers.get("x-forwarded-proto") == "https" else 80
    return host.strip("[]"), int(port) if port else standard


# Django and others read no body whose length is not said, so one in chunks is taken in before, up to so many bytes.
CHUNKED_LIMIT = 8 << 20


def body_of(request):
    """The body as a file, and its length where that is known."""
    if "transfer-encoding" not in request.headers:
        return request.stream, request.headers.get("content-length")
    data = request.stream.read(CHUNKED_LIMIT)
    if len(data) < CHUNKED_LIMIT:
        return io.BytesIO(data), str(len(data))
    return io.BufferedReader(Rejoined(data, request.stream)), None


class Rejoined(io.RawIOBase):
    """What has been read of a file, and then the file."""

    def __init__(self, data, stream):
        self.data = memoryview(data)
        self.stream = stream

    def readable(self):
        return True

    def readinto(self, target):
        if not self.data:
            return self.stream.readinto1(target)
        count = min(len(target), len(self.data))
        target[:count] = self.data[:count]
        self.data = self.data[count:]
        return count


def environ(request, answer):
    body, length = body_of(request)
    host, port = authority(request)
    values = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": unquote(request.prefix).encode("utf-8").decode("latin-1"),
        "PATH_INFO": request.path.encode("utf-8").decode("latin-1"),
        "QUERY_STRING": request.query_string,
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": request.headers.get("x-real-ip", "127.0.0.1"),
        "REQUEST_URI": request.prefix + request.target,
        "RAW_URI": request.prefix + request.target,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.headers.get("x-forwarded-proto", "http"),
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        "invok.request_id": request.request_id,
        "invok.is_disconnected": request.is_disconnected,
        "invok.function_name": os.environ.get("INVOK_FUNCTION_NAME", ""),
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        values[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else "HTTP_" + key] = value
    if length is not None:
        values["CONTENT_LENGTH"] = length
    return values
