"""Shared by the scripts of this folder that measure a server of their own: starting it, calling it, printing a row."""

import http.client
import io
import json
import os
import signal
import subprocess
import threading
import time
import uuid
import zipfile
from pathlib import Path


class Failed(Exception):
    """An answer that was not expected."""


class Core:
    """One `invok-core`, listening on a free port of loopback, its log in a file beside its data."""

    def __init__(self, executable, data, settings):
        environment = {
            "LOG_LEVEL": "warning",
            "AUTH_SCRYPT_COST": "14",
            "INVOK_CONSOLE_ADDRESS": "",
            "AUTH_ATTEMPTS_PER_ADDRESS": "100000",
            "INVOK_QUOTAS": "invocationsPerSecond=unlimited deploysPerHour=unlimited",
        }
        kept = {name: os.environ[name] for name in os.environ if not name.startswith(("INVOK_", "DATABASE_", "REDIS_"))}
        self.data = Path(data)
        self.data.mkdir(parents=True, exist_ok=True)
        self.log = open(self.data.parent / f"{self.data.name}.log", "ab")
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [executable, "--port", "0", "--data-dir", str(self.data)], env=kept | environment | settings,
            cwd=self.data.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = next((line for line in self.process.stdout if line.startswith("Invok listens on ")), None)
        if line is None:
            raise Failed(f"the server did not start; its log is {self.log.name}")
        self.port = int(line.rsplit(":", 1)[1])
        if self.call("GET", "/readyz")[0] != 200:
            raise Failed("the server is not ready")
        self.start_seconds = time.perf_counter() - self.started

    def connect(self, timeout=120):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def call(self, method, path, body=None, headers=None, connection=None):
        """The status, the body and the header fields of an answer."""
        connection = connection or self.connect()
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers

    def expect(self, method, path, body=None, headers=None):
        """The body of an answer that has to be a success."""
        status, text, _ = self.call(method, path, body, headers)
        if status >= 300:
            raise Failed(f"{method} {path}: {status} {text.decode()}")
        return text

    def register(self):
        """A new account's namespace and the header fields that name it."""
        account = json.dumps({"email": f"{uuid.uuid4()}@example.com", "password": "a long enough password"})
        made = json.loads(self.expect("POST", "/auth/register", account, {"Content-Type": "application/json"}))
        return made["user"]["uuid"], {"Authorization": f"Bearer {made['token']}"}

    def deploy(self, headers, config, files):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as zipped:
            zipped.writestr("config.json", json.dumps(config))
            for name, text in files.items():
                zipped.writestr(name, text)
        name = config["function_name"]
        body = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}.zip"\r\n\r\n'.encode()
        body += archive.getvalue() + b"\r\n--x--\r\n"
        return self.call(
            "POST", "/invok/deploy", body, headers | {"Content-Type": "multipart/form-data; boundary=x"})

    def memory_megabytes(self, field="VmRSS"):
        """What the server holds, instances not counted; VmHWM is the most that it ever held."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
        raise Failed("the server has ended")

    def processor_seconds(self):
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


class Repeated(threading.Thread):
    """Calls `ask` again and again until `finish`, and keeps what it returned, with the time at which it asked."""

    def __init__(self, ask, pause=0.0):
        super().__init__(daemon=True)
        self.ask, self.pause, self.ended, self.seen = ask, pause, threading.Event(), []

    def run(self):
        while not self.ended.is_set():
            began = time.monotonic()
            try:
                outcome = self.ask()
            except (OSError, http.client.HTTPException) as error:
                outcome = type(error).__name__
            self.seen.append((began, time.monotonic(), outcome))
            self.ended.wait(self.pause)

    def finish(self):
        self.ended.set()
        self.join()
        return self.seen


def row(figure, goal, value):
    print(f"| {figure} | {goal} | {value} |", flush=True)
