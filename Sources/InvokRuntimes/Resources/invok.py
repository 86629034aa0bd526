"""What a function sees: `from invok import Request, Response`."""


class Headers:
    """Header fields by name in any letter case. Repeated fields are joined by ', '."""

    __slots__ = ("pairs", "_by_name")

    def __init__(self, pairs):
        self.pairs = pairs
        self._by_name = by_name = {}
        for name, value in pairs:
            name = name.lower()
            earlier = by_name.get(name)
            by_name[name] = value if earlier is None else earlier + ("; " if name == "cookie" else ", ") + value

    def get(self, name, default=None):
        return self._by_name.get(name.lower(), default)

    def get_all(self, name):
        """Each value of a repeated field."""
        name = name.lower()
        return [value for key, value in self.pairs if key.lower() == name]

    def __getitem__(self, name):
        return self._by_name[name.lower()]

    def __contains__(self, name):
        return name.lower() in self._by_name

    def __iter__(self):
        return iter(self._by_name)

    def __len__(self):
        return len(self._by_name)

    def keys(self):
        return self._by_name.keys()

    def values(self):
        return self._by_name.values()

    def items(self):
        return self._by_name.items()

    def __repr__(self):
        return f"Headers({self._by_name!r})"


class Request:
    """One request.

    method, path (decoded), sub_path (below the function's name, '/' at least), target (as sent), query_string (raw),
    headers, request_id, prefix (what stands before the path outside, where the function is mounted), and stream: a binary
    file to read the body from as it comes.
    """

    __slots__ = ("method", "target", "path", "query_string", "headers", "stream", "prefix", "_root", "_connection", "_body",
                 "_query")  # fmt: skip

    def __init__(self, method, target, headers, stream, mount=None, connection=None):
        self.method = method
        self.prefix = ""
        self._root = mount
        self._connection = connection
        if mount is not None:
            target = below(mount, target)
            self.prefix = headers.get("x-forwarded-prefix", "")
        self.target = target
        path, _, self.query_string = target.partition("?")
        self.path = unquote(path)
        self.headers = headers
        self.stream = stream
        self._body = None
        self._query = None

    @property
    def request_id(self):
        return self.headers.get("x-invok-request-id", "")

    @property
    def sub_path(self):
        if self._root is not None:
            return self.path
        slash = self.path.find("/", 1)
        return self.path[slash:] if slash > 0 else "/"

    @property
    def query_all(self):
        """Every value of each query parameter: a dict of lists."""
        if self._query is None:
            from urllib.parse import parse_qs

            self._query = parse_qs(self.query_string, keep_blank_values=True, max_num_fields=10000)
        return self._query

    @property
    def query(self):
        """The first value of each query parameter: a dict of str."""
        return {name: values[0] for name, values in self.query_all.items()}

    @property
    def body(self):
        """The whole body as bytes."""
        if self._body is None:
            self._body = self.stream.read()
        return self._body

    @property
    def text(self):
        """The whole body as text: in the charset of Content-Type, else UTF-8."""
        kind = self.headers.get("content-type", "")
        charset = kind.lower().partition("charset=")[2].partition(";")[0].strip(" \"'")
        try:
            return self.body.decode(charset or "utf-8", "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    def is_disconnected(self):
        """Whether the caller has gone and waits for no answer any more. A system call: not for a tight loop."""
        return self._connection is not None and self._connection.is_gone()

    def json(self):
        """The body read as JSON. Raises ValueError when it is not."""
        import json

        return json.loads(self.body)

    def __getattr__(self, name):
        # Only for what is not there: requests of other frameworks have other names.
        raise AttributeError(
            f"Invok's request has no {name!r}; it has method, path, sub_path, query, headers, body, text, json() and stream"
        )

    def __repr__(self):
        return f"<Request {self.method} {self.target}>"


class Response:
    """An answer: body is str, bytes, a dict or list (JSON), None or an iterable of str and bytes (streamed).

    headers is a dict, whose values may be lists for repeated fields, or a list of (name, value) pairs.
    """

    __slots__ = ("body", "status", "headers")

    def __init__(self, body=None, status=None, headers=None, content_type=None):
        self.body = body
        self.status = status
        self.headers = pairs(headers)
        if content_type is not None:
            self.headers.append(("Content-Type", content_type))


def pairs(headers):
    """Headers as a list of (name, value) pairs of str."""
    result = []
    for name, value in headers.items() if hasattr(headers, "items") else headers or ():
        for each in value if isinstance(value, (list, tuple)) else (value,):
            result.append((str(name), str(each)))
    return result


def below(mount, target):
    """The target as it is from a mounted function's own root."""
    path, mark, query = target.partition("?")
    if path == mount:
        return "/" + mark + query
    return target[len(mount) :] if target.startswith(mount + "/") else target


def unquote(text):
    """Decodes percent escapes as UTF-8; what is not valid is replaced or, where it is no escape, kept."""
    if "%" not in text:
        return text
    first, *rest = text.encode("latin-1").split(b"%")
    result = bytearray(first)
    for part in rest:
        try:
            result += bytes.fromhex(part[:2].decode("ascii")) if b" " not in part[:2] and len(part) > 1 else b"%" + part[:2]
        except ValueError:
            result += b"%" + part[:2]
        result += part[2:]
    return result.decode("utf-8", "replace")
