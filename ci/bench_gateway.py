"""Measures calls of a warm function through Invok and through nginx's `proxy_pass` to the same instance, one after the
other in each round, and prints rows of docs/benchmarks.md: ratios of medians, since the rest is the machine's.

Arguments: the path of `invok-core`, and of an empty directory to work in; then the names of the loads, or none for all.
ROUNDS=N (5) and SECONDS_EACH=N (4) say how long. It takes nginx and wrk, and a machine that does nothing else.
"""

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench_lib import Core, Failed, row

CORE, WORK = sys.argv[1], Path(sys.argv[2]).resolve()
ROUNDS, SECONDS = int(os.environ.get("ROUNDS", "5")), int(os.environ.get("SECONDS_EACH", "4"))

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


def main():
    for tool in ("nginx", "wrk"):
        if shutil.which(tool) is None:
            raise Failed(f"{tool} is not here; install nginx and wrk")
    core = Core(CORE, WORK / "data", {"LOG_LEVEL": "info", "INVOK_CONNECTIONS_PER_ADDRESS": "2000"})
    namespace, headers = core.register()
    config = {
        "function_name": "bench", "runtime": "go",
        "limits": {"ratePerCaller": 0, "concurrency": 1000, "maxInstances": 1, "minInstances": 1}}
    status, text, _ = core.deploy(headers, config, {"function.go": FUNCTION})
    if status >= 300:
        raise Failed(f"deploy: {status} {text.decode()}")
    core.expect("GET", f"/invok/{namespace}/bench", headers=headers)
    sockets = [path for path in (WORK / "data").rglob("*") if path.is_socket()]
    nginx = Nginx(WORK / "nginx", sockets[0])
    try:
        measure(core, nginx, namespace, headers)
    finally:
        nginx.stop()
        core.stop()


def measure(core, nginx, namespace, headers):
    token = headers["Authorization"].split()[1]
    script = WORK / "post.lua"
    for name in sys.argv[3:] or LOADS:
        connections, rest, count, is_private, *goals = LOADS[name]
        access = "private" if is_private else "public"
        core.expect("PUT", f"/api/v1/functions/{namespace}/bench", b'{"access":"%s"}' % access.encode(),
                    headers | {"Content-Type": "application/json"})
        if count:
            script.write_text(POST.format(count=count))
        calls = [
            (f"http://127.0.0.1:{core.port}/invok/{namespace}/bench{rest}", core),
            (f"http://127.0.0.1:{nginx.port}/bench{rest}", nginx)]
        found = {id(proxy): [] for _, proxy in calls}
        for round in range(ROUNDS):
            for url, proxy in calls if round % 2 == 0 else reversed(calls):
                used = token if is_private and proxy is core else None
                found[id(proxy)].append(wrk(url, connections, script if count else None, used, proxy))
        ours, theirs = ([statistics.median(each) for each in zip(*found[id(proxy)])] for _, proxy in calls)
        ratios = [mine / other for mine, other in zip(ours, theirs)]
        for label, goal, ratio in zip(("requests/s", "processor time", "p50", "p99"), goals + [""], ratios):
            row(f"{name}: {label} ÷ nginx", goal or "–", f"{ratio:.2f}")
        print(f"  {ours[0]:.0f} and {theirs[0]:.0f} requests/s, {ours[1] * 1e6:.1f} and {theirs[1] * 1e6:.1f} µs,"
              f" p99 {ours[3] * 1e3:.2f} and {theirs[3] * 1e3:.2f} ms", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(str(error))
