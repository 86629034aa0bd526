"""Measures calls of a warm function through Invok and through nginx's `proxy_pass` to the same instance, one after the
other in each round, and prints rows of docs/benchmarks.md: ratios of medians, since the rest is the machine's.

    bench_gateway.py CORE FOLDER [--into docs] [--only NAME]…

CORE is the path of `invok-core`, and FOLDER an empty directory to work in. With `--into` the table also takes the place of
the one in FOLDER's benchmarks.md, between its marks, and a plot is drawn beside it, gateway.svg. `--only` measures only what
has such a name: a load, `functions`, `idle connections` or `plot`.

ROUNDS=N (5) and SECONDS_EACH=N (4) say how long, FUNCTIONS=N (1000) and CONNECTIONS=N (10000) how many there are. It takes
nginx and wrk, and a machine that does nothing else.
"""

import argparse
import datetime
import math
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench_lib import Core, Failed, row

ROUNDS, SECONDS = int(os.environ.get("ROUNDS", "5")), int(os.environ.get("SECONDS_EACH", "4"))
FUNCTIONS, CONNECTIONS = int(os.environ.get("FUNCTIONS", "1000")), int(os.environ.get("CONNECTIONS", "10000"))

FUNCTION = """package main

import (
	"io"
	"net/http"
	"strings"
)

var large = strings.Repeat("x", 64<<10)

func BenchHandler(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	if r.URL.Path == "/bench/large" {
		io.WriteString(w, large)
		return
	}
	io.WriteString(w, "Hello, world!\\n")
}
"""

POST = """wrk.method = "POST"
wrk.body = string.rep("x", {count})
"""

# Calls one function after the other.
SPREAD = """local number = 0
request = function()
    number = (number + 7919) % {count}
    return wrk.format("GET", "/invok/{namespace}/bench-" .. number)
end
"""

# Name: connections, the path behind the function, bytes of a body, with a token; the goals for requests a second,
# processor time and p50, each as a multiple of nginx's.
LOADS = {
    "GET, 32 connections": (32, "", 0, False, "≥ 1.0", "≤ 1.0", ""),
    "GET, 1 connection": (1, "", 0, False, "", "", "≤ 1.1"),
    "GET, 256 connections": (256, "", 0, False, "≥ 1.0", "", ""),
    "POST of 1 KB, 32 connections": (32, "", 1024, False, "≥ 1.0", "", ""),
    "64 KB answers, 32 connections": (32, "/large", 0, False, "≥ 0.9", "", ""),
    "uploads of 1 MB, 8 connections": (8, "", 1 << 20, False, "≥ 0.9", "", ""),
    "private (token), 32 connections": (32, "", 0, True, "", "", ""),
}


class Nginx:
    """As many workers as the machine has processors, each with connections to the instance that it keeps, and a log."""

    def __init__(self, folder, instance):
        folder.mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        configuration = folder / "nginx.conf"
        configuration.write_text(f"""
user {'root' if os.geteuid() == 0 else ''};
worker_processes {os.cpu_count()};
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log {folder}/access.log combined buffer=64k;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    upstream instance {{ server unix:{instance}; keepalive 64; keepalive_requests 1000000000; }}
    server {{
        listen 127.0.0.1:{self.port};
        location / {{
            proxy_pass http://instance;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering off;
        }}
    }}
}}
""".replace("user ;", ""))
        self.process = subprocess.Popen(["nginx", "-c", str(configuration)], stderr=subprocess.DEVNULL)
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise Failed("nginx does not listen")

    def processor_seconds(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        fields = [Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split() for child in children]
        return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def wrk(url, connections, script, token, proxy):
    """Requests a second, seconds of the proxy's processor time for each, and p50 and p99 in seconds."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "--latency", "--timeout", "10s"]
    command += ["-s", str(script)] if script else []
    command += ["-H", f"Authorization: Bearer {token}"] if token else []
    before = proxy.processor_seconds()
    text = subprocess.run(command + [url], capture_output=True, text=True, check=True).stdout
    spent = proxy.processor_seconds() - before
    if "Non-2xx" in text or "Socket errors" in text:
        raise Failed(f"{url}: {text}")
    total = int(re.search(r"(\d+) requests in", text).group(1))
    units = {"us": 1e-6, "ms": 1e-3, "s": 1}
    quantiles = [
        float(found.group(1)) * units[found.group(2)]
        for found in (re.search(rf"^ +{name}% +([\d.]+)(us|ms|s)$", text, re.M) for name in (50, 99))]
    return (float(re.search(r"Requests/sec: +([\d.]+)", text).group(1)), spent / total, *quantiles)


class Bench:
    """One server and one nginx before the same instance, and what was measured."""

    def __init__(self, core, work):
        self.work = work
        self.core = Core(core, work / "data", {
            "LOG_LEVEL": "info", "INVOK_CONNECTIONS_PER_ADDRESS": str(2 * CONNECTIONS),
            "INVOK_QUOTAS": "functions=unlimited instances=unlimited memoryMB=unlimited cpus=unlimited"
                            " invocationsPerSecond=unlimited deploysPerHour=unlimited",
            "INVOK_CAPACITY_INSTANCES": "5000", "INVOK_CAPACITY_MEMORY_MB": str(1 << 20)})
        self.namespace, self.headers = self.core.register()
        self.deploy("bench", self.headers)
        sockets = [path for path in (work / "data").rglob("*") if path.is_socket()]
        self.nginx = Nginx(work / "nginx", sockets[0])
        self.rows = []

    def stop(self):
        self.nginx.stop()
        self.core.stop()

    def deploy(self, name, headers):
        config = {
            "function_name": name, "runtime": "go", "access": "public",
            "limits": {
                "ratePerCaller": 0, "concurrency": 1000, "maxInstances": 1, "minInstances": 1, "memoryMB": 64}}
        handler = "".join(word.capitalize() for word in name.split("-")) + "Handler"
        source = FUNCTION.replace("BenchHandler", handler).replace("/bench/large", f"/{name}/large")
        status, text, _ = self.core.deploy(headers, config, {"function.go": source})
        if status >= 300:
            raise Failed(f"deploy of {name}: {status} {text.decode()}")
        self.core.expect("GET", f"/invok/{self.namespace}/{name}", headers=headers)

    def row(self, figure, goal, value):
        row(figure, goal, value)
        self.rows.append((figure, goal, value))

    def rounds(self, *ways):
        """Takes each way in each round, forwards and backwards in turn. Returns the medians of each."""
        found = [[] for _ in ways]
        for number in range(ROUNDS):
            order = range(len(ways)) if number % 2 == 0 else reversed(range(len(ways)))
            for index in order:
                found[index].append(ways[index]())
        return [[statistics.median(each) for each in zip(*runs)] for runs in found]

    def calls(self, connections, rest="", script=None, token=None):
        """A way through Invok, and one through nginx."""
        ours = f"http://127.0.0.1:{self.core.port}/invok/{self.namespace}/bench{rest}"
        theirs = f"http://127.0.0.1:{self.nginx.port}/bench{rest}"
        return (lambda: wrk(ours, connections, script, token, self.core),
                lambda: wrk(theirs, connections, script, None, self.nginx))

    # What is measured

    def load(self, name):
        connections, rest, count, is_private, *goals = LOADS[name]
        access = "private" if is_private else "public"
        self.core.expect("PUT", f"/api/v1/functions/{self.namespace}/bench", b'{"access":"%s"}' % access.encode(),
                         self.headers | {"Content-Type": "application/json"})
        script = self.work / "post.lua" if count else None
        if count:
            script.write_text(POST.format(count=count))
        token = self.headers["Authorization"].split()[1] if is_private else None
        ours, theirs = self.rounds(*self.calls(connections, rest, script, token))
        ratios = [mine / other for mine, other in zip(ours, theirs)]
        for label, goal, ratio in zip(("requests/s", "processor time", "p50", "p99"), goals + [""], ratios):
            self.row(f"{name}: {label} ÷ nginx", goal or "–", f"{ratio:.2f}")
        print(f"  {ours[0]:.0f} and {theirs[0]:.0f} requests/s, {ours[1] * 1e6:.1f} and {theirs[1] * 1e6:.1f} µs,"
              f" p99 {ours[3] * 1e3:.2f} and {theirs[3] * 1e3:.2f} ms", file=sys.stderr)

    def functions(self):
        """Calls that go to many functions in turn, beside calls that all go to one."""
        began = time.monotonic()
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(lambda number: self.deploy(f"bench-{number}", self.headers), range(FUNCTIONS)):
                pass
        print(f"  {FUNCTIONS} functions deployed in {time.monotonic() - began:.0f} s", file=sys.stderr)
        script = self.work / "spread.lua"
        script.write_text(SPREAD.format(count=FUNCTIONS, namespace=self.namespace))
        url = f"http://127.0.0.1:{self.core.port}"
        one = f"{url}/invok/{self.namespace}/bench-0"
        many, single = self.rounds(
            lambda: wrk(url, 32, script, None, self.core), lambda: wrk(one, 32, None, None, self.core))
        self.row(f"{FUNCTIONS} functions evenly: requests/s ÷ one", "≥ 0.9", f"{many[0] / single[0]:.2f}")
        self.row(f"{FUNCTIONS} functions evenly: processor time ÷ one", "–", f"{many[1] / single[1]:.2f}")
        self.row(f"server's memory with {FUNCTIONS} functions that were called", "–",
                 f"{self.core.memory_megabytes():.0f} MB")

    def idle_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, CONNECTIONS + 1000), hard))
        way = self.calls(32)[0]
        before = statistics.median([way()[0] for _ in range(ROUNDS)])
        idle = []
        try:
            for _ in range(CONNECTIONS):
                one = socket.create_connection(("127.0.0.1", self.core.port))
                one.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                idle.append(one)
            for one in idle:
                if not one.recv(4096).startswith(b"HTTP/1.1 200"):
                    raise Failed("a connection was refused")
            memory = self.core.memory_megabytes()
            # They are closed after 30 s.
            beside = way()[0]
        finally:
            for one in idle:
                one.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        self.row(f"server's memory with {CONNECTIONS} idle connections", "< 150 MB", f"{memory:.0f} MB")
        self.row(f"GET, 32 connections beside {CONNECTIONS} idle ones: requests/s ÷ without them", "–",
                 f"{beside / before:.2f}")

    def curves(self):
        """Latency against load: of each proxy, (requests/s, p50, p99) by the number of connections that call."""
        points = [[], []]
        for connections in (1, 2, 4, 8, 16, 32, 64, 128, 256):
            for curve, found in zip(points, self.rounds(*self.calls(connections))):
                curve.append((found[0], found[2], found[3]))
        return points


def plot(curves):
    """An SVG of latency against load, both as multiples of nginx's: its best rate, and its p50 with one connection."""
    rate = max(point[0] for point in curves[1])
    unit = curves[1][0][1]
    width, height, left, bottom = 640, 400, 60, 50
    most = max(1.0, *(point[0] / rate for curve in curves for point in curve))
    top = max(point[2] / unit for curve in curves for point in curve)
    decades = math.log10(max(top, 2)) * 1.05

    def place(x, y):
        across = left + x / most * (width - left - 20)
        up = math.log10(max(y, 1)) / decades * (height - bottom - 30)
        return f"{across:.1f},{height - bottom - up:.1f}"

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>']
    for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000):
        if math.log10(tick) <= decades:
            y = place(0, tick).split(",")[1]
            lines.append(f'<path d="M{left} {y}H{width - 20}" stroke="#ddd"/>')
            lines.append(f'<text x="{left - 6}" y="{y}" text-anchor="end" dominant-baseline="middle">{tick}</text>')
    for tick in range(0, int(most * 5) + 1):
        x = place(tick / 5, 1).split(",")[0]
        lines.append(f'<text x="{x}" y="{height - bottom + 18}" text-anchor="middle">{tick / 5:g}</text>')
    lines.append(f'<text x="{(width + left) / 2}" y="{height - 10}" text-anchor="middle">requests/s ÷ nginx\'s best</text>')
    lines.append(f'<text x="{left}" y="18">latency ÷ nginx\'s p50 with one connection; 1 to 256 connections</text>')
    # Without much load nothing takes long, so the legend has that corner.
    legend = [f'<rect x="{left + 4}" y="28" width="120" height="72" fill="white" fill-opacity="0.8"/>']
    for index, (name, colour, curve) in enumerate((("invok", "#c0392b", curves[0]), ("nginx", "#2c6fbb", curves[1]))):
        for column, dash, label in ((1, "", "p50"), (2, ' stroke-dasharray="5 4"', "p99")):
            points = " ".join(place(point[0] / rate, point[column] / unit) for point in curve)
            lines.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
            y = 40 + 16 * (2 * index + column - 1)
            legend.append(f'<path d="M{left + 10} {y}h30" stroke="{colour}" stroke-width="2"{dash}/>')
            legend.append(f'<text x="{left + 48}" y="{y + 4}">{name} {label}</text>')
    return "\n".join(lines + legend + ["</svg>", ""])


BEGIN, END = "<!-- made by ci/bench_gateway.py -->", "<!-- until here -->"


def write(rows, has_plot, docs):
    """Puts the table in its place."""
    path = docs / "benchmarks.md"
    before, rest = path.read_text().split(BEGIN)
    behind = rest.split(END)[1]
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, cwd=docs).stdout.strip()
    lines = [
        BEGIN, f"Commit {commit}, {os.cpu_count()} cores, {datetime.date.today()}, medians of {ROUNDS} rounds of"
        f" {SECONDS} s:", "", "| figure | goal | here |", "| --- | --- | --- |"]
    lines += [f"| {figure} | {goal} | {value} |" for figure, goal, value in rows]
    lines += ["", "![Latency against load, of Invok and of nginx](gateway.svg)"] if has_plot else []
    path.write_text(before + "\n".join(lines + [END]) + behind)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("core")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--into", type=Path)
    parser.add_argument("--only", action="append")
    given = parser.parse_args()
    others = ["functions", "idle connections", "plot"]
    wanted = given.only or [*LOADS, *others]
    if unknown := set(wanted) - {*LOADS, *others}:
        raise Failed(f"nothing has the name {', '.join(sorted(unknown))}; there are {', '.join([*LOADS, *others])}")
    for tool in ("nginx", "wrk"):
        if shutil.which(tool) is None:
            raise Failed(f"{tool} is not here; install nginx and wrk")
    bench = Bench(given.core, given.folder.resolve())
    curves = None
    try:
        for name in LOADS:
            if name in wanted:
                bench.load(name)
        bench.core.expect(
            "PUT", f"/api/v1/functions/{bench.namespace}/bench", b'{"access":"public"}',
            bench.headers | {"Content-Type": "application/json"})
        if "idle connections" in wanted:
            bench.idle_connections()
        if "plot" in wanted:
            curves = bench.curves()
        if "functions" in wanted:
            bench.functions()
    finally:
        bench.stop()
    if given.into:
        if curves:
            (given.into / "gateway.svg").write_text(plot(curves))
        write(bench.rows, curves is not None or (given.into / "gateway.svg").exists(), given.into)


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(str(error))
