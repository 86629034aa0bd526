"""Measures a cold start under Docker against the same container created and started by hand, and prints a row of
docs/benchmarks.md.

Arguments: the path of `invok-core`, and of an empty directory to work in. DOCKER_HOST names the engine, which has the
images that INVOK_GO_IMAGE and INVOK_GO_BUILDER_IMAGE name (ci/services up docker; ci/base-images).
"""

import ctypes
import http.client
import io
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time
import zipfile
from pathlib import Path

CORE, WORK = sys.argv[1], Path(sys.argv[2])
DOCKER = os.environ["DOCKER_HOST"].removeprefix("unix://")
ROUNDS = int(os.environ.get("ROUNDS", "20"))
SOURCE = """package main
import "net/http"
func HelloHandler(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello")) }
"""
CONFIG = {"function_name": "hello", "runtime": "go", "access": "public", "limits": {"idleSeconds": 1, "maxInstances": 1}}


class UnixConnection(http.client.HTTPConnection):
    """One connection to a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def docker(method, path, body=None, connection=None):
    """One call of the Engine API; ends the script when the engine refuses."""
    connection = connection or UnixConnection(DOCKER)
    connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status >= 400:
        sys.exit(f"{method} {path}: {answer.status} {text.decode()}")
    return json.loads(text) if text.startswith((b"{", b"[")) else None


def containers(owner):
    query = json.dumps({"label": [f"invok.owner={owner}"]})
    return docker("GET", "/containers/json?all=1&filters=" + "".join(f"%{b:02x}" for b in query.encode()))


def call(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status >= 300:
        sys.exit(f"{method} {path}: {answer.status} {text.decode()}")
    return text


def deploy(port):
    """Makes an account and deploys the function. Returns its path."""
    account = {"email": "bench@example.com", "password": "a long enough password"}
    made = json.loads(call(port, "POST", "/auth/register", json.dumps(account), {"Content-Type": "application/json"}))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("config.json", json.dumps(CONFIG))
        zipped.writestr("function.go", SOURCE)
    body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="hello.zip"\r\n\r\n'
    body += archive.getvalue() + b"\r\n--x--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=x", "Authorization": f"Bearer {made['token']}"}
    call(port, "POST", "/invok/deploy", body, headers)
    return f"/invok/{made['user']['uuid']}/hello"


class Watch:
    """Waits for the socket in a folder by the kernel's word, as the server does: asking again and again would take the
    processor from the container that starts."""

    LIBRARY = ctypes.CDLL(None, use_errno=True)
    MOVED_TO = 0x80  # IN_MOVED_TO of inotify(7): the shim makes the socket under another name and renames it

    def __init__(self, folder):
        self.number = self.LIBRARY.inotify_init1(os.O_CLOEXEC)
        if self.number < 0 or self.LIBRARY.inotify_add_watch(self.number, bytes(folder), self.MOVED_TO) < 0:
            sys.exit(f"inotify: {os.strerror(ctypes.get_errno())}")

    def wait(self):
        os.read(self.number, 4096)
        os.close(self.number)


def first_answer(path):
    connection = UnixConnection(path)
    connection.request("GET", "/hello")
    if connection.getresponse().read() != b"hello":
        sys.exit("the container by hand did not answer")


def by_hand(template, number):
    """Seconds from the request to create the container to its answer; the container is removed behind that."""
    folder = WORK / f"hand-{number}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    host = dict(template["HostConfig"])
    host["Mounts"] = [{**m, "Source": str(folder)} if m["Target"] == "/run/invok" else m for m in host["Mounts"]]
    keys = ["Image", "Entrypoint", "Env", "WorkingDir", "User", "StopSignal", "Healthcheck", "Hostname"]
    body = {key: template["Config"].get(key) for key in keys} | {"HostConfig": host}
    connection, watch = UnixConnection(DOCKER), Watch(folder)
    docker("GET", "/_ping", connection=connection)
    start = time.perf_counter()
    made = docker("POST", "/containers/create", body, connection)["Id"]
    docker("POST", f"/containers/{made}/start", connection=connection)
    watch.wait()
    first_answer(str(folder / "s"))
    seconds = time.perf_counter() - start
    docker("DELETE", f"/containers/{made}?force=1")
    shutil.rmtree(folder)
    return seconds


def cold(port, path, owner):
    """Seconds of a request while no container is there."""
    while containers(owner):
        time.sleep(0.05)
    time.sleep(0.2)
    start = time.perf_counter()
    call(port, "GET", path)
    return time.perf_counter() - start


def main():
    environment = os.environ | {"INVOK_ENGINE": "docker", "LOG_LEVEL": "warning", "AUTH_SCRYPT_COST": "14"}
    core = subprocess.Popen([CORE, "--port", "0", "--data-dir", str(WORK / "data")], env=environment, cwd=WORK,
                            stdout=subprocess.PIPE, text=True)
    try:
        line = next(line for line in core.stdout if line.startswith("Invok listens on "))
        port = int(line.rsplit(":", 1)[1])
        path = deploy(port)
        owner = (WORK / "data/installation").read_text()[:16]
        call(port, "GET", path)
        # Not the containers of the builds that warm the cache up.
        instance = next(c["Id"] for c in containers(owner) if c["Labels"]["invok.kind"] == "instance")
        template = docker("GET", f"/containers/{instance}/json")
        pairs = [(cold(port, path, owner), by_hand(template, number)) for number in range(ROUNDS)]
    finally:
        core.send_signal(signal.SIGTERM)
        core.wait()
    ours, theirs = ([pair[side] * 1000 for pair in pairs] for side in (0, 1))
    median, floor = statistics.median(ours), statistics.median(theirs)
    for container in containers(owner):
        docker("DELETE", f"/containers/{container['Id']}?force=1")
    print(f"| Docker, hello in Go: first answer with no container, to the same container by hand | ≤ 1.1 × "
          f"| {median / floor:.2f} × ({median:.0f} ms to {floor:.0f} ms, best {min(ours):.0f} and {min(theirs):.0f}) |")


main()
