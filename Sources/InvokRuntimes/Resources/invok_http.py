"""HTTP/1.1 (RFC 9112) on one connection: strict in what it takes."""

import io
from _socket import MSG_DONTWAIT, MSG_PEEK

HEAD_LIMIT = 64 * 1024
LINE_LIMIT = 4096
RECEIVE = 64 * 1024
TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CONTROLS = bytes(set(range(32)) - {9}) + b"\x7f"
REASONS = {
    100: "Continue", 200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content",
    301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified", 307: "Temporary Redirect",
    308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 409: "Conflict", 410: "Gone", 413: "Content Too Large",
    415: "Unsupported Media Type", 418: "I'm a teapot", 422: "Unprocessable Content", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 500: "Internal Server Error", 501: "Not Implemented",
    502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}  # fmt: skip


class BadRequest(Exception):
    def __init__(self, reason, status=400):
        super().__init__(reason)
        self.status = status


class Disconnected(ConnectionError):
    """The caller went away."""


class Connection:
    """A socket and what was received beyond what has been read.

    Whoever waits for no answer any more ends its half; nothing else tells of it while a function works.
    """

    __slots__ = ("socket", "buffer")

    def __init__(self, socket):
        self.socket = socket
        self.buffer = bytearray()

    def fill(self):
        """Receives more. False at the end."""
        data = self.socket.recv(RECEIVE)
        self.buffer += data
        return bool(data)

    def is_gone(self):
        """Whether the other side has ended its half, or all."""
        if self.buffer:
            return False
        try:
            return not self.socket.recv(1, MSG_PEEK | MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise Disconnected("the caller went away") from error

    def line(self):
        """The next line of a chunked body, without its CRLF."""
        while True:
            end = self.buffer.find(b"\n")
            if end >= 0:
                line = bytes(self.buffer[: end + 1])
                del self.buffer[: end + 1]
                if not line.endswith(b"\r\n") or b"\r" in line[:-2] or len(line) > LINE_LIMIT:
                    raise BadRequest("a line of the chunked body is malformed")
                return line[:-2]
            if len(self.buffer) > LINE_LIMIT:
                raise BadRequest("a line of the chunked body is too long")
            if not self.fill():
                raise Disconnected("the request body ended early")


class Head:
    """A request's first lines, checked."""

    __slots__ = ("method", "target", "headers", "persistent", "modern", "length", "chunked", "expects")


def read_head(connection):
    """The next request's Head, or None when the caller closed between requests."""
    buffer = connection.buffer
    searched = 0
    while (end := buffer.find(b"\r\n\r\n", searched)) < 0:
        if len(buffer) > HEAD_LIMIT:
            raise BadRequest("the request head is too large", 431)
        searched = max(0, len(buffer) - 3)
        if not connection.fill():
            if buffer:
                raise Disconnected("the request head ended early")
            return None
    if end > HEAD_LIMIT:
        raise BadRequest("the request head is too large", 431)
    text = bytes(buffer[:end])
    del buffer[: end + 4]
    return parse_head(text)


def parse_head(text):
    first, *lines = text.split(b"\r\n")
    head = Head()
    parts = first.split(b" ")
    if len(parts) != 3 or not parts[0] or parts[0].translate(None, TOKEN):
        raise BadRequest("the request line is malformed")
    if parts[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise BadRequest("the protocol is not HTTP/1.1")
    if not parts[1] or first.translate(None, CONTROLS) != first:
        raise BadRequest("the request target is malformed")
    head.method = parts[0].decode("ascii")
    head.target = origin_form(parts[1].decode("latin-1"))
    head.modern = parts[2] == b"HTTP/1.1"
    head.headers = [parse_field(line) for line in lines]
    known = {}
    for name, value in head.headers:
        known.setdefault(name.lower(), []).append(value)
    if head.modern and len(known.get("host", ())) != 1:
        raise BadRequest("Host must be given once")
    frame(head, known)
    tokens = {token.strip() for value in known.get("connection", ()) for token in value.lower().split(",")}
    head.persistent = head.modern and "close" not in tokens
    head.expects = head.modern and "100-continue" in [value.lower() for value in known.get("expect", ())]
    return head


def origin_form(target):
    if target.startswith("/") or target == "*":
        return target
    scheme, mark, rest = target.partition("://")
    if mark and scheme.lower() in ("http", "https"):
        return rest[rest.find("/") :] if "/" in rest else "/"
    return target


def parse_field(line):
    name, colon, value = line.partition(b":")
    if not colon or not name or name.translate(None, TOKEN) or line.translate(None, CONTROLS) != line:
        raise BadRequest("a header field is malformed")
    return name.decode("ascii"), value.strip(b" \t").decode("latin-1")


def frame(head, known):
    """Decides where the body ends. Whatever two readers could see differently is refused (RFC 9112, section 6.3)."""
    lengths, codings = known.get("content-length", ()), known.get("transfer-encoding", ())
    head.chunked = bool(codings)
    head.length = 0
    if codings:
        if lengths or not head.modern or [value.lower() for value in codings] != ["chunked"]:
            raise BadRequest("Transfer-Encoding must be chunked alone, without Content-Length")
    elif lengths:
        if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdigit() and len(lengths[0]) < 19):
            raise BadRequest("Content-Length is malformed")
        head.length = int(lengths[0])


class Body(io.RawIOBase):
    """A request's body as it comes. The first read answers 'Expect: 100-continue'."""

    def __init__(self, connection, head):
        self.connection = connection
        self.chunked = head.chunked
        self.remaining = head.length
        self.expects = head.expects
        self.complete = not head.chunked and head.length == 0

    def readable(self):
        return True

    def readinto(self, target):
        if self.complete or not len(target):
            return 0
        if self.expects:
            self.expects = False
            self.connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if self.chunked and self.remaining == 0 and not self.next_chunk():
            return 0
        count = self.take(memoryview(target)[: self.remaining])
        self.remaining -= count
        if self.remaining == 0:
            if not self.chunked:
                self.complete = True
            elif self.connection.line():
                raise BadRequest("a chunk does not end where it says")
        return count

    def take(self, target):
        connection = self.connection
        if connection.buffer:
            count = min(len(target), len(connection.buffer))
            target[:count] = connection.buffer[:count]
            del connection.buffer[:count]
            return count
        count = connection.socket.recv_into(target)
        if count == 0:
            raise Disconnected("the request body ended early")
        return count

    def next_chunk(self):
        """Reads a chunk's size; at the last one, the trailers too. False at the end."""
        size = self.connection.line().partition(b";")[0].rstrip(b" \t")
        if not 0 < len(size) <= 15 or size.translate(None, b"0123456789abcdefABCDEF"):
            raise BadRequest("a chunk size is malformed")
        self.remaining = int(size, 16)
        if self.remaining:
            return True
        total = 0
        while line := self.connection.line():
            total += len(line)
            if total > HEAD_LIMIT:
                raise BadRequest("the trailers are too large", 431)
        self.complete = True
        return False

    def discard(self, limit):
        """Reads on to the end if that is at most `limit` bytes away. Whether the end was reached."""
        if self.complete:
            return True
        if self.expects or (not self.chunked and self.remaining > limit):
            return False
        scratch = bytearray(min(limit, RECEIVE))
        while limit > 0 and (count := self.readinto(scratch)):
            limit -= count
        return self.complete
