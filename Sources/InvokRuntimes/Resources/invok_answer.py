"""The answer to one request, as HTTP/1.1 writes it."""

import time

from invok_http import Disconnected, REASONS, TOKEN

FORBIDDEN = ("date", "connection", "transfer-encoding", "keep-alive", "upgrade", "trailer")
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Answer:
    """The answer to one request, sent as it is made."""

    def __init__(self, connection, head, persistent):
        # Where the function stands outside; empty where that is how it sees itself.
        self.prefix = ""
        self.connection = connection
        self.head = head
        self.persistent = persistent
        self.begun = False
        self.chunked = False
        self.bodiless = False
        self.remaining = None
        self.ended = False

    def start(self, status, headers, length=None, data=b""):
        """Sends the head, and `data` with it. Without a length the body is chunked."""
        if self.begun:
            raise RuntimeError("the answer has already begun")
        if not 200 <= status <= 599:
            raise ValueError(f"{status} is not a status that a function can answer")
        head = self.head
        self.bodiless = head.method == "HEAD" or status in (204, 304)
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, '')}", "Date: " + date()]
        given = None
        for name, value in headers:
            if not name or name.encode("ascii").translate(None, TOKEN) or "\r" in value or "\n" in value or "\0" in value:
                raise ValueError(f"the header {name!r} is malformed")
            lower = name.lower()
            if lower == "content-length":
                given = int(value)
            elif lower == "location":
                lines.append(f"{name}: {located(self.prefix, value)}")
            elif lower not in FORBIDDEN:
                lines.append(f"{name}: {value}")
        if length is None or (given is not None and head.method == "HEAD"):
            length = given
        if status != 204 and (length is not None or not self.bodiless):
            if length is not None:
                lines.append(f"Content-Length: {length}")
                self.remaining = length
            elif head.modern:
                lines.append("Transfer-Encoding: chunked")
                self.chunked = True
            else:
                self.persistent = False
        if not self.persistent:
            lines.append("Connection: close")
        text = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        self.begun = True
        self.connection.send(text + self.framed(data))

    def write(self, data):
        """Sends a part of the body; waits while the caller reads slower than that. Who waits no more gets none."""
        if self.connection.is_gone():
            raise Disconnected("the caller went away")
        if data:
            self.connection.send(self.framed(data))

    def framed(self, data):
        if self.bodiless or not data:
            return b""
        if self.chunked:
            return b"%x\r\n%b\r\n" % (len(data), data)
        if self.remaining is not None:
            self.remaining -= len(data)
            if self.remaining < 0:
                raise ValueError("the answer is longer than its Content-Length")
        return data

    def finish(self):
        if self.ended:
            return
        if self.chunked and not self.bodiless:
            self.connection.send(b"0\r\n\r\n")
        elif self.remaining and not self.bodiless:
            raise ValueError("the answer is shorter than its Content-Length")
        self.ended = True

    def problem(self, status, code, detail, request_id):
        import json

        body = json.dumps({
            "type": "about:blank", "title": REASONS[status], "status": status, "detail": detail, "code": code,
            "request_id": request_id, "error": detail,
        }).encode()  # fmt: skip
        self.start(status, [("Content-Type", "application/problem+json")], len(body), body)


def located(prefix, path):
    """Where a redirect leads outside: a path of a mounted function is one below its own place, unless it says where it stands
    itself, or names a function beside it."""
    if not prefix or path[:1] != "/" or path[1:2] in ("/", "\\") or path == prefix or path.startswith(prefix + "?"):
        return path
    return path if path.startswith(prefix.rpartition("/")[0] + "/") else prefix + path


def date():
    """Now, as HTTP writes it (RFC 9110, section 5.6.7), whatever the locale."""
    year, month, day, hour, minute, second, weekday = time.gmtime()[:7]
    return f"{DAYS[weekday]}, {day:02} {MONTHS[month - 1]} {year} {hour:02}:{minute:02}:{second:02} GMT"
