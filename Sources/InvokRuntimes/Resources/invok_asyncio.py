"""Async handlers and ASGI applications: one event loop in a thread of its own, while each request's worker thread does
the reading and writing, so that a slow caller holds up nobody else."""

import asyncio
import concurrent.futures
import os
import queue
import sys
import threading

from invok import unquote
from invok_function import binary, parts, respond
from invok_http import Disconnected
from invok_wsgi import authority

CHUNK = 64 * 1024
_loop = None
_lock = threading.Lock()
SHUTDOWN_SECONDS = 3


def leave_fork():
    """A forked process has no thread that would run the loop."""
    global _loop, _lock
    _loop, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=leave_fork)


def loop():
    global _loop
    with _lock:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            threading.Thread(target=_loop.run_forever, name="asyncio", daemon=True).start()
        return _loop


class Bridge:
    """Runs a coroutine in the loop and, meanwhile, its blocking calls in the calling thread."""

    def __init__(self):
        self.calls = queue.SimpleQueue()

    async def call(self, function, *arguments):
        """Used in the loop: runs the blocking function in the worker thread."""
        future = asyncio.get_running_loop().create_future()
        self.calls.put((future, function, arguments))
        return await future

    def leave(self):
        """Used in the loop: lets the worker thread go, which the coroutine needs no more."""
        self.calls.put(None)

    def run(self, make):
        """Used in the worker thread: runs the coroutine that `make` returns, and returns its result.

        A cancelled one raises asyncio.CancelledError."""
        done = self.start(make)
        if done.cancelled():
            raise asyncio.CancelledError
        return done.result()

    def start(self, make):
        """Used in the worker thread: runs the coroutine until it ends or lets the thread go. Returns its future."""
        done = asyncio.run_coroutine_threadsafe(make(), loop())
        done.add_done_callback(lambda _: self.calls.put(None))
        while (item := self.calls.get()) is not None:
            future, function, arguments = item
            try:
                result, error = function(*arguments), None
            except BaseException as raised:
                result, error = None, raised
            loop().call_soon_threadsafe(settle, future, result, error)
        return done


class Watch:
    """Used in the loop: tells, once it is begun, when the caller has gone. Only while nobody reads from it."""

    def __init__(self, request, on_gone):
        self.connection = request._connection
        self.on_gone = on_gone
        self.descriptor = None

    def begin(self):
        if self.connection is None or self.descriptor is not None:
            return
        self.descriptor = self.connection.socket.fileno()
        asyncio.get_running_loop().add_reader(self.descriptor, self.readable)

    def readable(self):
        # What else can be read is the next request.
        is_gone = self.connection.is_gone()
        self.end()
        if is_gone:
            self.on_gone()

    def end(self):
        if self.descriptor is not None:
            asyncio.get_running_loop().remove_reader(self.descriptor)
            self.descriptor = None


def settle(future, result, error):
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


class Handler:
    """`async def handler(request)`. The body is read before it is called, so that reading it never blocks the loop."""

    def __init__(self, handler):
        self.handler = handler
        loop()

    def __call__(self, request, answer):
        request.body
        finish(self.handler(request), answer, request)


def finish(result, answer, request):
    """Waits for an awaitable, streams an async iterator, and answers."""
    bridge = Bridge()

    async def settle_result():
        value = await result if hasattr(result, "__await__") else result
        status, headers, body = parts(value)
        if not hasattr(body, "__aiter__"):
            return value
        headers = list(headers)
        if not any(name.lower() == "content-type" for name, _ in headers):
            headers.append(("Content-Type", "text/plain; charset=utf-8"))
        begun = False
        # Nobody takes what it would go on making.
        watch = Watch(request, asyncio.current_task().cancel)
        try:
            watch.begin()
            async for chunk in body:
                if begun:
                    await bridge.call(answer.write, binary(chunk))
                else:
                    begun = True
                    await bridge.call(answer.start, status or 200, headers, None, binary(chunk))
        finally:
            watch.end()
            if hasattr(body, "aclose"):
                await body.aclose()
        if not begun:
            await bridge.call(answer.start, status or 200, headers)
        return answer

    try:
        value = bridge.run(settle_result)
    except asyncio.CancelledError:
        if request.is_disconnected():
            raise Disconnected("the caller went away") from None
        raise
    if value is not answer:
        respond(value, answer, request)


# Frameworks that look for their routes in the whole path.
WHOLE_PATH = ("falcon", "sanic")


class Application:
    """An ASGI 3 application (https://asgi.readthedocs.io), with the lifespan protocol where it takes part."""

    def __init__(self, app):
        self.app = app
        self.takes_root_off = type(app).__module__.partition(".")[0] not in WHOLE_PATH
        self.state = {}
        # What goes on behind its answer, as background tasks do. No worker waits for it, nor does the next request.
        self.background = set()
        self.lifespan()

    def __call__(self, request, answer):
        bridge = Bridge()
        done = bridge.start(lambda: self.request(request, answer, bridge))
        if answer.ended:
            self.background.add(done)
            return done.add_done_callback(self.on_background_done)
        done.result()
        if not answer.begun:
            if request.is_disconnected():
                raise Disconnected("the caller went away")
            raise RuntimeError("the application did not answer")

    def on_background_done(self, done):
        self.background.discard(done)
        if not done.cancelled() and (error := done.exception()) and not isinstance(error, Disconnected):
            sys.excepthook(type(error), error, error.__traceback__)

    async def request(self, request, answer, bridge):
        over = asyncio.Event()
        head = {}
        read_all = is_gone = False

        def gone():
            nonlocal is_gone
            is_gone = True
            over.set()

        watch = Watch(request, gone)

        async def receive():
            nonlocal read_all
            if read_all or is_gone or over.is_set():
                if not over.is_set():
                    watch.begin()
                await over.wait()
                return {"type": "http.disconnect"}
            try:
                data = await bridge.call(request.stream.read1, CHUNK)
            except Disconnected:
                gone()
                return {"type": "http.disconnect"}
            read_all = not data
            return {"type": "http.request", "body": data, "more_body": bool(data)}

        async def send(message):
            if message["type"] == "http.response.start":
                head.update(status=message["status"], headers=decoded(message.get("headers", ())))
            elif message["type"] == "http.response.body":
                data, more = bytes(message.get("body", b"")), message.get("more_body", False)
                if is_gone or over.is_set():
                    return  # Whom to tell of it, receive() does.
                if answer.begun:
                    try:
                        await bridge.call(answer.write, data)
                    except Disconnected:
                        return gone()
                else:
                    # An answer in one part has a length, unless the application gives one itself (as to HEAD).
                    given = any(name.lower() == "content-length" for name, _ in head["headers"])
                    length = None if more or given else len(data)
                    await bridge.call(answer.start, head["status"], head["headers"], length, data)
                if not more:
                    over.set()
                    watch.end()
                    await bridge.call(answer.finish)
                    bridge.leave()

        try:
            await self.app(self.scope(request), receive, send)
        finally:
            over.set()
            watch.end()
        if is_gone and answer.begun:
            raise Disconnected("the caller went away")

    def scope(self, request):
        host, port = authority(request)
        target = request.target.partition("?")[0]
        prefix = request.prefix if self.takes_root_off else ""
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.headers.get("x-forwarded-proto", "http"),
            # With the root's path before it, as servers and frameworks have agreed on.
            "path": unquote(prefix) + request.path,
            "raw_path": (prefix + target).encode("latin-1"),
            "query_string": request.query_string.encode("latin-1"),
            "root_path": unquote(request.prefix),
            "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.pairs],
            "client": (request.headers.get("x-real-ip", "127.0.0.1"), 0),
            "server": (host, port),
            "state": dict(self.state),
        }

    def lifespan(self):
        """Waits for the application's start. One that does not know the protocol raises, which is no error."""
        started = threading.Event()
        failure = []

        async def run():
            messages = self.messages = asyncio.Queue()
            await messages.put({"type": "lifespan.startup"})

            async def send(message):
                if message["type"] == "lifespan.startup.failed":
                    failure.append(message.get("message", "the application did not start"))
                if message["type"].startswith("lifespan.startup."):
                    started.set()

            try:
                scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
                await self.app(scope, messages.get, send)
            except BaseException:
                pass
            finally:
                started.set()

        self.lifetime = asyncio.run_coroutine_threadsafe(run(), loop())
        started.wait()
        if failure:
            print(failure[0], file=sys.stderr)
            sys.exit(1)

    def close(self):
        """Waits a little for what goes on, tells the application of the end, and waits for what it does then."""
        concurrent.futures.wait(list(self.background), SHUTDOWN_SECONDS)
        if self.lifetime.done():
            return
        loop().call_soon_threadsafe(self.messages.put_nowait, {"type": "lifespan.shutdown"})
        try:
            self.lifetime.result(SHUTDOWN_SECONDS)
        except BaseException:
            pass


def decoded(headers):
    return [(bytes(name).decode("latin-1"), bytes(value).decode("latin-1")) for name, value in headers]
