"""A small server on the socket that Invok hands over: few imports, since they are most of a cold start."""

import _signal
import _socket
import _thread
import atexit
import io
import os
import select
import sys
import time

from invok import Headers, Request
from invok_answer import Answer
from invok_http import BadRequest, Body, Connection, Disconnected, REASONS, read_head

LISTEN = 3
READY = "/_invok/ready"
SMALL = 64 * 1024
LINGER_SECONDS = 1.0
CONNECTION_LIMIT = 4096


class Server:
    """Worker threads, at most one more than the concurrency, take turns at one epoll: no hand-over, no idle threads."""

    def __init__(self, listener, entry, mount, concurrency):
        self.entry = entry
        # Where the function is at the root: the path that it stands at for callers.
        self.mount = mount
        self.listener = listener
        self.listener.setblocking(False)
        self.listening = self.listener.fileno()
        self.epoll = select.epoll()
        self.epoll.register(self.listening, select.EPOLLIN | select.EPOLLONESHOT)
        self.lock = _thread.allocate_lock()
        self.waiting = {}
        self.connections = set()
        self.workers = self.idle = self.busy = 0
        self.limit = concurrency + 1
        self.stopping = False
        self.drained = _thread.allocate_lock()
        self.process = os.getpid()

    def spawn(self):
        """Starts one more worker, with the lock held."""
        self.workers += 1
        self.idle += 1
        _thread.start_new_thread(self.work, ())

    def work(self):
        while True:
            try:
                [(descriptor, _)] = self.epoll.poll(-1, 1) or [(None, 0)]
            except (OSError, ValueError):
                return  # The server has stopped.
            if descriptor == self.listening:
                self.accept()
                continue
            with self.lock:
                connection = self.waiting.pop(descriptor, None)
                if connection is None:
                    continue
                self.idle -= 1
                self.busy += 1
                if self.idle == 0 and self.workers < self.limit:
                    self.spawn()
            keep = False
            try:
                keep = self.serve(connection)
            finally:
                self.release(descriptor, connection, keep)

    def release(self, descriptor, connection, keep):
        with self.lock:
            self.idle += 1
            self.busy -= 1
            if keep and not self.stopping:
                self.waiting[descriptor] = connection
                self.epoll.modify(descriptor, select.EPOLLIN | select.EPOLLONESHOT)
            else:
                self.close(connection)
            if self.stopping and self.busy == 0 and self.drained.locked():
                self.drained.release()

    def close(self, connection):
        """Closes a connection, with the lock held."""
        self.connections.discard(connection)
        connection.socket.close()

    def accept(self):
        try:
            descriptor, _ = self.listener._accept()
        except OSError:
            descriptor = None
        with self.lock:
            if self.stopping:
                if descriptor is not None:
                    os.close(descriptor)
                return
            if descriptor is not None:
                socket = _socket.socket(fileno=descriptor)
                socket.setblocking(True)
                if len(self.waiting) < CONNECTION_LIMIT:
                    self.waiting[descriptor] = connection = Connection(socket)
                    self.connections.add(connection)
                    self.epoll.register(descriptor, select.EPOLLIN | select.EPOLLONESHOT)
                else:
                    socket.close()
            self.epoll.modify(self.listening, select.EPOLLIN | select.EPOLLONESHOT)

    def serve(self, connection):
        """Answers requests while they are there. Whether the connection can carry more."""
        try:
            while True:
                try:
                    head = read_head(connection)
                except BadRequest as error:
                    refuse(connection, error)
                    return False
                if head is None:
                    return False
                body = Body(connection, head)
                if not self.answer(connection, head, body):
                    linger(connection, body)
                    return False
                if not connection.buffer:
                    return True
        except (Disconnected, OSError):
            return False

    def answer(self, connection, head, body):
        persistent = head.persistent and not self.stopping and (body.complete or (
            not head.chunked and not head.expects and head.length <= SMALL))  # fmt: skip
        answer = Answer(connection, head, persistent or head.chunked and head.persistent)
        if head.target == READY:
            answer.start(200, [], 0)
            return body.discard(SMALL) and answer.persistent
        stream = io.BufferedReader(body, SMALL)
        request = Request(head.method, head.target, Headers(head.headers), stream, self.mount, connection)
        answer.prefix = request.prefix
        try:
            self.entry(request, answer)
            answer.finish()
        except Disconnected:
            return False
        except BaseException as error:  # SystemExit too: a function ends requests, not the instance.
            if os.getpid() != self.process:
                end_fork(error)
            if not self.failed(error, request, answer):
                return False
        if os.getpid() != self.process:
            os._exit(0)  # A fork that has come back from the handler has nobody to answer.
        if not body.discard(SMALL):
            return False
        return answer.persistent and not self.stopping

    def failed(self, error, request, answer):
        """Logs, and answers where that is still possible. Whether the connection is still in order."""
        if isinstance(error, BadRequest):
            if not answer.begun:
                answer.persistent = False
                answer.problem(error.status, "invalid_request", str(error), request.request_id)
            return False
        with self.lock:
            print(f"request {request.request_id} failed: {request.method} {request.path}", file=sys.stderr)
            show(error)
        if answer.begun:
            return False  # Cut short, so that nobody takes it for whole.
        answer.problem(500, "function_failed", "the function failed", request.request_id)
        return True

    def stop(self):
        """Stops accepting, closes what is idle and waits for what is in flight."""
        with self.lock:
            self.stopping = True
            self.listener.close()
            for connection in self.waiting.values():
                self.close(connection)
            self.waiting.clear()
            self.drained.acquire()
            if self.busy == 0:
                self.drained.release()
        self.drained.acquire()


    def leave_fork(self):
        """In a process that was forked off: what the server has is its parent's alone."""
        self.listener.close()
        self.epoll.close()
        for connection in self.connections:
            connection.socket.close()


def end_fork(error):
    """Ends a process that was forked off, as Python ends one."""
    if not isinstance(error, SystemExit):
        show(error)
    sys.stdout.flush()
    sys.stderr.flush()
    code = error.code if isinstance(error, SystemExit) else 1
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


def show(error):
    """Prints the traceback without the server's own frames."""
    trace = error.__traceback__
    own = os.path.dirname(__file__)
    while trace and trace.tb_next and os.path.dirname(trace.tb_frame.f_code.co_filename) == own:
        trace = trace.tb_next
    sys.excepthook(type(error), error.with_traceback(trace), trace)


def refuse(connection, error):
    reason = REASONS.get(error.status, "")
    body = str(error).encode()
    connection.send(
        f"HTTP/1.1 {error.status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n".encode() + body
    )
    linger(connection, None)


def linger(connection, body):
    """Lets the caller read the answer before what it still sends meets a closed socket."""
    if body is not None and body.complete:
        return
    try:
        connection.socket.shutdown(_socket.SHUT_WR)
        end = time.monotonic() + LINGER_SECONDS
        while (left := end - time.monotonic()) > 0:
            connection.socket.settimeout(left)
            if not connection.socket.recv(SMALL):
                break
    except OSError:
        pass


def mounted(at_root):
    """The path that the function stands at, if it shall see `/` for it."""
    mount = os.environ.get("INVOK_MOUNT") or ("root" if at_root else "name")
    return "/" + os.environ.get("INVOK_FUNCTION_NAME", "") if mount == "root" else None


def main(bundle):
    """Loads the function, serves until SIGTERM, exits 0."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    # A signal that another thread receives would not wake the main one: the pipe does. The core may have started this
    # process from a thread that blocks signals, which is inherited.
    _signal.set_wakeup_fd(writer)
    _signal.signal(_signal.SIGTERM, lambda number, frame: None)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    listener = _socket.socket(fileno=LISTEN)
    os.set_inheritable(LISTEN, False)
    server = None

    def mask(how):
        _signal.pthread_sigmask(how, {_signal.SIGTERM})

    def leave_fork():
        # A signal to a forked process would be taken for one to this, and would not end that. It is held back until here.
        _signal.set_wakeup_fd(-1)
        _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
        mask(_signal.SIG_UNBLOCK)
        os.close(reader)
        os.close(writer)
        if server:
            server.leave_fork()
        else:
            listener.close()

    os.register_at_fork(
        before=lambda: mask(_signal.SIG_BLOCK), after_in_parent=lambda: mask(_signal.SIG_UNBLOCK), after_in_child=leave_fork
    )
    import invok_function

    try:
        entry, at_root = invok_function.load(bundle)
    except SystemExit:
        raise
    except invok_function.Refusal as error:
        invok_function.refuse(error)
    except BaseException as error:
        show(error)
        if sentence := invok_function.lacking(error, bundle):
            print("invok: " + sentence, file=sys.stderr)
        sys.exit(1)
    server = Server(listener, entry, mounted(at_root), max(1, int(os.environ.get("INVOK_CONCURRENCY") or 16)))
    with server.lock:
        server.spawn()
    while os.read(reader, 1)[0] != _signal.SIGTERM:
        pass
    server.stop()
    if hasattr(entry, "close"):
        entry.close()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
