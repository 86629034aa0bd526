"""Measures what one tenant can do to another, and prints it as rows of docs/benchmarks.md.

    python3 ci/bench_fairness.py INVOK-CORE EMPTY-DIRECTORY

A quiet tenant deploys and starts a small function cold, first alone, then while a loud one keeps 100 requests waiting for
functions that never become ready, and four uploads open that never end. Everything is on the sandbox engine and loopback.
ROUNDS says how often each is measured (10).
"""

import os
import socket
import statistics
import sys
import threading
import time
from pathlib import Path

from bench_lib import Core, Failed, row

CORE, WORK = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2]).resolve()
ROUNDS = int(os.environ.get("ROUNDS", "10"))
HELLO = "def handler(request):\n    return 'hello {}'\n"
SLEEPER = "import time\ntime.sleep(9)\nraise SystemExit(1)\ndef handler(request):\n    return ''\n"
TURNING = "import time\nif time.time() > {turn}:\n    time.sleep(9)\n    raise SystemExit(1)\n" + HELLO.replace("{}", "{number}")
FUNCTIONS, CALLERS, UPLOADS, SETUP = 10, 100, 4, 30


def deploy(core, headers, name, source, limits=None):
    config = {"function_name": name, "runtime": "python", "access": "public",
              "limits": {"ratePerCaller": 0} | (limits or {})}
    return core.deploy(headers, config, {"function.py": source})


def measure(core, headers, namespace, phase):
    """The seconds that deploys and cold starts take, ROUNDS of each."""
    deploys, starts = [], []
    for number in range(ROUNDS):
        name = f"quiet-{number}"
        began = time.perf_counter()
        status, text, _ = deploy(core, headers, name, HELLO.format(phase), {"idleSeconds": 1})
        if status != 200:
            raise Failed(f"the quiet tenant's deploy: {status} {text.decode()}")
        deploys.append(time.perf_counter() - began)
    # Idle instances go after a second; until then a call would be a warm one.
    time.sleep(4)
    for number in range(ROUNDS):
        began = time.perf_counter()
        core.expect("GET", f"/invok/{namespace}/quiet-{number}")
        starts.append(time.perf_counter() - began)
    return statistics.median(deploys), statistics.median(starts)


class Loud:
    """A tenant that asks for all that it can get."""

    def __init__(self, core):
        self.core, self.ended = core, threading.Event()
        self.namespace, self.headers = core.register()
        # Each starts for its deploy, and from `turn` on never again.
        self.turn = time.time() + SETUP
        for number in range(FUNCTIONS):
            status, text, _ = deploy(
                core, self.headers, f"loud-{number}", TURNING.format(turn=self.turn, number=number),
                {"maxInstances": 4, "concurrency": 1, "idleSeconds": 1})
            if status != 200:
                raise Failed(f"the loud tenant's deploy: {status} {text.decode()}")
        if time.time() > self.turn:
            raise Failed(f"the loud tenant's deploys took longer than {SETUP} s")
        self.threads = [threading.Thread(target=self.fail, args=(number,), daemon=True) for number in range(CALLERS)]
        self.threads += [threading.Thread(target=self.upload, daemon=True) for _ in range(UPLOADS)]

    def start(self):
        time.sleep(max(0, self.turn - time.time()) + 4)
        for thread in self.threads:
            thread.start()
        time.sleep(2)

    def fail(self, number):
        """Deploys or calls what does not start, again and again."""
        while not self.ended.is_set():
            name = f"broken-{number % FUNCTIONS}"
            try:
                if number < FUNCTIONS:
                    deploy(self.core, self.headers, name, SLEEPER)
                else:
                    self.core.call("GET", f"/invok/{self.namespace}/loud-{number % FUNCTIONS}?{number}")
            except OSError:
                pass
            self.ended.wait(0.05)

    def upload(self):
        """Sends a byte a second of a body that never ends."""
        while not self.ended.is_set():
            try:
                with socket.create_connection(("127.0.0.1", self.core.port), timeout=10) as connection:
                    head = ["POST /invok/deploy HTTP/1.1", f"Host: 127.0.0.1:{self.core.port}", "Content-Length: 40000000"]
                    head += ["Content-Type: multipart/form-data; boundary=x"]
                    head += [f"{name}: {value}" for name, value in self.headers.items()]
                    connection.sendall(("\r\n".join(head) + "\r\n\r\n--x\r\n").encode())
                    while not self.ended.wait(1):
                        connection.sendall(b"A")
            except OSError:
                self.ended.wait(0.5)

    def finish(self):
        self.ended.set()
        for thread in self.threads:
            thread.join(60)


def main():
    core = Core(CORE, WORK / "data", {})
    try:
        namespace, headers = core.register()
        # Once to warm up what the first deploy of a runtime makes.
        measure(core, headers, namespace, "warm-up")
        alone = measure(core, headers, namespace, "alone")
        loud = Loud(core)
        loud.start()
        try:
            beside = measure(core, headers, namespace, "beside")
        finally:
            loud.finish()
    finally:
        core.stop()
    for what, before, now in zip(("a deploy", "a cold start"), alone, beside):
        row(f"{what} of another tenant while one has {CALLERS} failing cold starts and {UPLOADS} endless uploads", "≤ 2 ×",
            f"{now / before:.2f} × ({now * 1000:.0f} ms to {before * 1000:.0f} ms alone, medians of {ROUNDS})")


main()
