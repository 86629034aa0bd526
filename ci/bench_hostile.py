#!/usr/bin/env python3
"""Hostile connections against a core on this machine: what each kind of them costs it.

    ci/bench_hostile.py --port 3000 --pid "$(pgrep -x invok-core)"

Opens many connections of one kind at a time from many addresses of 127.0.0.0/8, keeps them at their trade for some seconds,
closes them, and waits a minute. Prints, for each kind, how many the core has let stay, its memory for each, and its memory
and descriptors a minute after against those before. The goal: at most 16 KiB each, and within 5 MB a minute after.

It only ever talks to loopback, and bounds itself in connections and time. A kind that needs a function that answers much
takes its path by --path (public; the default is the API's own description). The core should be one that nothing else uses.
"""

import argparse
import errno
import os
import socket
import sys
import time

MOST_CONNECTIONS = 5000
MOST_SECONDS = 300
HOST = b"Host: localhost\r\n"
CHUNKED = b"POST /auth/login HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"


class Kind:
    """What a client sends first, then again and again, and how often; whether it reads."""

    def __init__(self, first, then=b"", every=0.0, reads=True):
        self.first, self.then, self.every, self.reads = first, then, every, reads


def kinds(path):
    get = b"GET " + path.encode() + b" HTTP/1.1\r\n" + HOST
    return {
        "upgrade": Kind(get + b"Connection: Upgrade\r\nUpgrade: x\r\n\r\n", b"A" * 65536),
        "connect": Kind(b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", b"A" * 65536),
        "silent": Kind(b""),
        "trickled-head": Kind(b"GET / HTTP/1.1\r\n" + HOST + b"X: ", b"a", 1.0),
        "large-head": Kind(b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 16000, b"a", 1.0),
        "trickled-body": Kind(
            b"POST /auth/login HTTP/1.1\r\n" + HOST
            + b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n{", b" ", 1.0),
        "slow-reader": Kind((get + b"\r\n") * 20, reads=False),
        "pipelining": Kind((b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n") * 500,
                           b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n", 0.5, reads=False),
        "huge-chunk": Kind(CHUNKED + b"7fffffffffffffff\r\n", b" " * 1024, 0.5),
        "chunk-extension": Kind(CHUNKED + b"1;", b"a" * 1024, 0.5),
        "huge-length": Kind(
            b"POST /auth/login HTTP/1.1\r\n" + HOST + b"Content-Length: 9223372036854775808\r\n\r\n", b"A" * 65536),
        "empty-lines": Kind(b"\r\n" * 1000, b"\r\n" * 1000, 0.5),
    }


class Client:
    def __init__(self, address, port, kind):
        self.kind = kind
        self.unsent = kind.first
        self.due = 0.0
        self.socket = socket.socket()
        self.socket.setblocking(False)
        # Small buffers: the machine's memory is not what is measured.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16384)
        self.socket.bind((address, 0))
        result = self.socket.connect_ex(("127.0.0.1", port))
        if result not in (0, errno.EINPROGRESS):
            raise OSError(result, os.strerror(result))

    def act(self, now):
        """Sends and reads what it can. Returns whether the connection is still there."""
        try:
            if self.kind.reads:
                while data := self.socket.recv(65536):
                    del data
                return False
        except BlockingIOError:
            pass
        except OSError:
            return False
        try:
            if not self.unsent and self.kind.then and now >= self.due:
                self.unsent, self.due = self.kind.then, now + self.kind.every
            if self.unsent:
                self.unsent = self.unsent[self.socket.send(self.unsent):]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True


def memory(pid):
    """Resident bytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
    sys.exit("error: the core's memory cannot be read; is --pid right?")


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def serves(port):
    """Whether somebody else is answered meanwhile."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
            client.sendall(b"GET /healthz HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
            return client.recv(12).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def attack(kind, port, count, seconds, pid):
    """Returns how many were open at the most, the core's highest memory, and whether it served others throughout."""
    clients, most, peak, served = [], 0, 0, True
    end = time.monotonic() + seconds
    for number in range(count):
        try:
            # 127.0.0.2 and on: 127.0.0.1 is who else calls.
            clients.append(Client(f"127.0.{number // 250}.{number % 250 + 2}", port, kind))
        except OSError:
            break
    look = time.monotonic()
    while (now := time.monotonic()) < end:
        clients = [client for client in clients if client.act(now) or client.socket.close()]
        most = max(most, len(clients)) if now > end - seconds + 1 else most
        if now >= look:
            peak, served, look = max(peak, memory(pid)), served and serves(port), now + 1
        time.sleep(0.005)
    for client in clients:
        client.socket.close()
    return most, peak, served


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--port", type=int, required=True, help="the core's")
    parser.add_argument("--pid", type=int, required=True, help="the core's")
    parser.add_argument("--count", type=int, default=1000, help=f"connections of each kind, at most {MOST_CONNECTIONS}")
    parser.add_argument("--seconds", type=float, default=60, help=f"for each kind, at most {MOST_SECONDS}")
    parser.add_argument("--after", type=float, default=60, help="seconds to wait after each")
    parser.add_argument("--path", default="/api/openapi.json", help="what answers much to anybody")
    parser.add_argument("kind", nargs="*", help="all unless named")
    options = parser.parse_args()
    known = kinds(options.path)
    unknown = set(options.kind) - set(known)
    if unknown or not 0 < options.count <= MOST_CONNECTIONS or not 0 < options.seconds <= MOST_SECONDS \
            or not 0 <= options.after <= MOST_SECONDS:
        parser.error(f"kinds are {', '.join(known)}; see --help for the bounds")
    if not serves(options.port):
        sys.exit(f"error: no core answers on 127.0.0.1:{options.port}")
    missed = 0
    print(f"{'kind':16} {'open':>6} {'KiB each':>9} {'MB after':>9} {'fds after':>9}  others served")
    for name in options.kind or known:
        before, files = memory(options.pid), descriptors(options.pid)
        most, peak, served = attack(known[name], options.port, options.count, options.seconds, options.pid)
        time.sleep(options.after)
        each = max(0, peak - before) / options.count / 1024
        after = (memory(options.pid) - before) / 1e6
        left = descriptors(options.pid) - files
        holds = each <= 16 and after <= 5 and left <= 0 and served
        missed += not holds
        print(f"{name:16} {most:6} {each:9.1f} {after:9.1f} {left:9}  {'yes' if served else 'NO'}"
              f"{'' if holds else '   (misses the goal)'}", flush=True)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
