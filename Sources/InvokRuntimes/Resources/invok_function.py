"""Finds what serves requests, and turns what a handler returns into an answer."""

import os
import sys

import invok_entry
from invok import Response, pairs

COROUTINE, ASYNC_GENERATOR, VARIADIC = 0x80, 0x200, 0x04
TEXT, BINARY, JSON = "text/plain; charset=utf-8", "application/octet-stream", "application/json"
# What a dict may have that is an answer as AWS Lambda's functions give it.
LAMBDA_KEYS = {"statusCode", "headers", "multiValueHeaders", "cookies", "body", "isBase64Encoded"}


# Frameworks whose applications are neither of WSGI nor of ASGI.
OWN_SERVERS = {"aiohttp": "aiohttp", "chalice": "Chalice", "robyn": "Robyn", "tornado": "Tornado"}


class Refusal(Exception):
    """Why the function cannot be served, for its author."""


def load(bundle):
    """Imports the function.

    Returns what is called with each (request, answer), and whether it is one that stands at the root, as apps do."""
    target, name = invok_entry.find(bundle)
    path, symbol = invok_entry.parse(os.environ.get("INVOK_ENTRY"))
    if target is None:
        what = f"no '{symbol}'" if symbol else "neither 'def handler(request)' nor a WSGI or ASGI 'app'"
        raise Refusal(f"{path} has {what}")
    if framework := OWN_SERVERS.get(type(target).__module__.partition(".")[0]):
        raise Refusal(
            f"'{name}' in {path} is an application of {framework}, which only its own server runs; write "
            "'def handler(request)', or an app of a WSGI or ASGI framework, as Flask, Django, Starlette and Quart are")
    if not callable(target):
        raise Refusal(f"'{name}' in {path} is {type(target).__name__}, which cannot be called")
    parameters = positional(target)
    if symbol and not parameters and isinstance(target, type(load)) and not flags(target) & VARIADIC:
        # A factory, as of Flask's tutorial.
        target = target()
        parameters, name = positional(target), "app"
    return adapted(target, name, parameters, path)


def adapted(target, name, parameters, path):
    """What is called with each (request, answer), by what the function takes, and whether it stands at the root."""
    is_async = flags(target) & (COROUTINE | ASYNC_GENERATOR)
    is_app = name in ("app", "application") and len(parameters) != 1
    if isinstance(target, type) and not is_wsgi(parameters):
        raise Refusal(f"'{name}' in {path} is a class; write 'def handler(request)'")
    if is_app and is_async or len(parameters) == 3 and (is_async or parameters[0].lstrip("_") == "scope"):
        from invok_asyncio import Application

        return Application(target), True
    if is_wsgi(parameters) or is_app and len(parameters) != 2:
        from invok_wsgi import Application

        return Application(target), True
    if len(parameters) == 2:
        from invok_lambda import adapt

        # A function's URL stands at its root there.
        return wrapped(adapt(target), is_async), True
    if len(parameters) == 1 or flags(target) & VARIADIC or code_of(target) is None:
        return wrapped(target, is_async), False
    raise Refusal(f"'{name}' in {path} takes {len(parameters)} arguments; write 'def {name}(request)'")


def is_wsgi(parameters):
    """Whether these are the arguments of a WSGI application: another function of two is one of AWS Lambda's."""
    if len(parameters) != 2:
        return False
    first, second = (parameter.lower() for parameter in parameters)
    return "env" in first or "start" in second or "resp" in second


def wrapped(handler, is_async):
    if is_async:
        from invok_asyncio import Handler

        return Handler(handler)
    return lambda request, answer: respond(handler(request), answer, request)


def flags(target):
    """The code flags of a function, or of what a callable object runs."""
    code = code_of(target)
    return code.co_flags if code else 0


def positional(target):
    """The names of the arguments that must be given to a function, or to what a callable object runs."""
    bound = 0
    while hasattr(target, "func") and not hasattr(target, "__code__"):  # functools.partial
        bound += len(target.args)
        target = target.func
    if isinstance(target, type):
        function = target.__init__
    else:
        function = target if hasattr(target, "__code__") else getattr(type(target), "__call__", None)
    function = getattr(function, "__wrapped__", function)
    code = getattr(function, "__code__", None)
    if code is None:
        return ()
    names = code.co_varnames[: code.co_argcount - len(getattr(function, "__defaults__", None) or ())]
    if function is not target or hasattr(target, "__self__"):
        bound += 1
    return names[bound:]


def code_of(target):
    while hasattr(target, "func") and not hasattr(target, "__code__"):  # functools.partial
        target = target.func
    return getattr(target, "__code__", None) or getattr(getattr(type(target), "__call__", None), "__code__", None)


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
    if isinstance(result, dict) and is_lambda_answer(result):
        from invok_lambda import parts

        return parts(result)
    return None, [], result


def is_lambda_answer(result):
    return type(result.get("statusCode")) is int and result.keys() <= LAMBDA_KEYS


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
    if hasattr(body, "status_code"):
        # It may be iterable too, but then a status and headers of its own would be lost.
        raise TypeError(f"a handler cannot return {type(body).__module__}.{type(body).__name__}; return invok.Response")
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
    if isinstance(chunk, str):
        return chunk.encode()
    # Of a number Python would make as many zeros.
    if not isinstance(chunk, (bytes, bytearray, memoryview)):
        raise TypeError(f"a handler's parts must be str or bytes, not {type(chunk).__name__}")
    return bytes(chunk)


# What names packages for other tools than pip, and how these write it down for pip.
OTHER_MANIFESTS = {
    "Pipfile": "pipenv requirements", "poetry.lock": "poetry export", "uv.lock": "uv export --no-hashes", "environment.yml": "",
}  # fmt: skip


def lacking(error, bundle):
    """What to do about a module that is not there; None for any other error, and for modules of the project's own."""
    top = (getattr(error, "name", None) or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or not top:
        return None
    if any(os.path.exists(f"{bundle}/{path}") for path in (top, top + ".py")):
        return None
    sentence = f"nothing installs '{error.name}', which the function imports; write the package that has it into requirements.txt"
    for name, command in OTHER_MANIFESTS.items():
        if os.path.exists(f"{bundle}/{name}"):
            return sentence + f" ({name} is not read" + (f": '{command} > requirements.txt')" if command else ")")
    return sentence


def refuse(error):
    print(f"invok: {error}", file=sys.stderr)
    sys.exit(1)
