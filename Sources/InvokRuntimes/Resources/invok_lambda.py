"""Serves a handler that is written for AWS Lambda: `def handler(event, context)`.

The event is that of a function URL (payload format 2.0,
https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html), with `httpMethod` and `path` of format 1.0 beside it.
"""

import base64
import json
import os
import sys
import time
from _thread import _local

from invok import Response, pairs
from invok_function import COROUTINE, LAMBDA_KEYS, flags, is_lambda_answer


_thread_state = _local()


class Context:
    """What Lambda tells a handler of its call, as far as it is true here."""

    function_version = "$LATEST"
    log_group_name = log_stream_name = ""
    identity = client_context = None

    def __init__(self, request):
        self.function_name = os.environ.get("INVOK_FUNCTION_NAME", "")
        self.invoked_function_arn = "invok:" + self.function_name
        self.memory_limit_in_mb = os.environ.get("INVOK_MEMORY_MB", "")
        self.aws_request_id = request.request_id
        self._end = time.monotonic() + float(os.environ.get("INVOK_TIMEOUT_SECONDS") or 30)

    def get_remaining_time_in_millis(self):
        return max(0, int((self._end - time.monotonic()) * 1000))


def adapt(handler):
    """The same as a handler of Invok's."""
    if flags(handler) & COROUTINE:

        async def adapted(request):
            return answered(await handler(event(request), Context(request)))

    else:

        def adapted(request):
            have_loop()
            return answered(handler(event(request), Context(request)))

    return adapted


def have_loop():
    """A handler may ask for the event loop of its thread: on Lambda that is the main one, which has one."""
    asyncio = sys.modules.get("asyncio")
    if asyncio and not getattr(_thread_state, "has_loop", False):
        asyncio.set_event_loop(asyncio.new_event_loop())
        _thread_state.has_loop = True


def event(request):
    path, _, query = request.target.partition("?")
    text, is_binary = body_of(request)
    headers = dict(request.headers.items())
    cookies = [cookie.strip() for cookie in headers.pop("cookie", "").split(";") if cookie.strip()]
    now = time.time()
    result = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "anonymous",
            "apiId": os.environ.get("INVOK_FUNCTION_NAME", ""),
            "domainName": headers.get("host", ""),
            "domainPrefix": headers.get("host", "").partition(".")[0],
            "http": {
                "method": request.method,
                "path": request.path,
                "protocol": "HTTP/1.1",
                "sourceIp": headers.get("x-real-ip", ""),
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request.request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": is_binary,
        "httpMethod": request.method,
        "path": request.path,
    }
    if cookies:
        result["cookies"] = cookies
    if query:
        result["queryStringParameters"] = {name: ",".join(values) for name, values in request.query_all.items()}
    if text:
        result["body"] = text
    return result


def body_of(request):
    """The body as text, and whether that is base64, as for what is not known to be text."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_text = kind.startswith("text/") or kind.endswith(("json", "xml", "javascript", "x-www-form-urlencoded"))
    if is_text or not kind:
        try:
            return request.body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(request.body).decode(), True


def answered(result):
    """What Lambda makes of what a handler returns: one that gives no status gives a body of JSON."""
    if isinstance(result, dict) and "statusCode" in result:
        if not is_lambda_answer(result):
            unknown = sorted(map(str, result.keys() - LAMBDA_KEYS))
            raise TypeError(
                f"a Lambda-style answer cannot have {', '.join(unknown)}" if unknown else "statusCode must be an int")
        return result
    if result is None:
        return Response(b"null", 200, content_type="application/json")
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
    return Response(text.encode(), 200, content_type="application/json")


def parts(result):
    """(status, header pairs, body) of a Lambda-style answer."""
    headers = pairs(result.get("headers"))
    for name, values in (result.get("multiValueHeaders") or {}).items():
        headers = [pair for pair in headers if pair[0].lower() != name.lower()] + pairs({name: list(values)})
    headers += [("Set-Cookie", str(cookie)) for cookie in result.get("cookies") or ()]
    body = result.get("body")
    if result.get("isBase64Encoded") and body is not None:
        body = base64.b64decode(body)
    elif isinstance(body, (dict, list)):
        raise TypeError("the body of a Lambda-style answer must be text: use json.dumps")
    if isinstance(body, str) and body and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json" if is_json(body) else "text/plain; charset=utf-8"))
    return result["statusCode"], headers, "" if body is None else body


def is_json(text):
    """Lambda says `application/json` where nothing is said; text that is none stays text here."""
    if text[:1] not in "{[":
        return False
    try:
        json.loads(text)
        return True
    except ValueError:
        return False
