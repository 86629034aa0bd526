"""Takes PostgreSQL, Redis and Docker away under load, and prints what was lost as rows of docs/benchmarks.md.

    python3 ci/bench_faults.py INVOK-CORE EMPTY-DIRECTORY [postgres] [redis] [hung] [docker]

The services are private ones (ci/services) in the directory. AWAY_SECONDS says how long each of the first two stays away
(30); with `hung` each of them hangs as long (SIGSTOP), without anything that says so; Docker is restarted. A warm function is called by four clients all the time; another one reads and writes
through the control API.
"""

import json
import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path

from bench_lib import Core, Failed, Repeated, row

CORE, WORK = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2]).resolve()
AWAY = float(os.environ.get("AWAY_SECONDS", "30"))
CLIENTS, BEFORE, AFTER, LIMIT = 4, 5, 5, 90
ROOT = Path(__file__).resolve().parent.parent
SOURCE = {"function.py": "def handler(request):\n    return 'hello'\n"}
SECRET = {name: os.urandom(24).hex() for name in ("AUTH_JWT_SECRET", "INVOK_SECRETS_KEY")}


def services(*arguments, environment=None):
    """Runs ci/services on this script's own folder. Returns the settings that it printed."""
    said = subprocess.run(
        [ROOT / "ci/services", *arguments], env=os.environ | {"INVOK_SERVICES": str(WORK / "services")}, check=True,
        stdout=subprocess.PIPE, text=True).stdout
    return settings(said)


def settings(text):
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {name: value.strip("'") for name, value in pairs}


class Call:
    """One client with a connection of its own: calls give the status, and whether a 503 said when to try again."""

    def __init__(self, core, headers):
        self.core, self.headers, self.connection = core, headers, core.connect()

    def __call__(self, method, path, body=None):
        kind = {"Content-Type": "application/json"} if body else {}
        try:
            status, _, fields = self.core.call(method, path, body, self.headers | kind, self.connection)
        except Exception:
            self.connection.close()
            self.connection = self.core.connect()
            raise
        if status == 503:
            return "503" if (fields["Retry-After"] or "").isdigit() else "503 without Retry-After"
        return str(status)


class Load:
    """Clients that call a warm function, and one that uses the control API."""

    def __init__(self, core):
        namespace, headers = core.register()
        for name in ("hello", "other"):
            config = {"function_name": name, "runtime": "python", "limits": {"maxInstances": 1, "idleSeconds": 3600}}
            status, text, _ = core.deploy(headers, config, SOURCE)
            if status != 200:
                raise Failed(f"the deploy was answered {status} {text.decode()}")
        path = f"/invok/{namespace}/hello"
        core.expect("GET", path, headers=headers)
        self.number = 0
        control = Call(core, headers)

        def ask_control():
            # What reads, what changes something, and what adds something, in turn.
            self.number += 1
            if self.number % 3 == 0:
                return control("GET", "/invok/list")
            if self.number % 3 == 1:
                return control("PUT", f"/api/v1/functions/{namespace}/other", json.dumps({"access": "private"}))
            account = {"email": f"{uuid.uuid4()}@example.com", "password": "a long enough password"}
            status = control("POST", "/auth/register", json.dumps(account))
            return "200" if status == "201" else status

        self.warm = []
        for _ in range(CLIENTS):
            call = Call(core, headers)
            self.warm.append(Repeated(lambda call=call: call("GET", path), pause=0.01))
        self.control = Repeated(ask_control, pause=0.1)
        for thread in [*self.warm, self.control]:
            thread.start()

    def wait_for(self, thread, begun):
        """Until that client was answered 200 on a call that it made behind `begun`."""
        end = time.monotonic() + LIMIT
        while time.monotonic() < end:
            if any(asked > begun and outcome == "200" for asked, _, outcome in thread.seen[-50:]):
                return
            time.sleep(0.02)
        raise Failed("it did not recover")

    def finish(self):
        """What the function's callers saw, and what the control API's did."""
        return sorted(call for thread in self.warm for call in thread.finish()), self.control.finish()


def counted(calls):
    counts = Counter(outcome for _, _, outcome in calls)
    return ", ".join(f"{outcome}: {count}" for outcome, count in sorted(counts.items()))


def recovery(calls, back):
    """Seconds from `back` to the start of the first call after which none failed any more."""
    failed = [ended for _, ended, outcome in calls if outcome != "200"]
    later = [asked for asked, _, _ in calls if asked > max(failed, default=0)]
    return max(0, min(later) - back)


def take_away(service, name, core):
    load = Load(core)
    time.sleep(BEFORE)
    services("stop", service)
    gone = time.monotonic()
    time.sleep(AWAY)
    ready, readiness, _ = core.call("GET", "/readyz")
    away = time.monotonic()
    services("start", service)
    back = time.monotonic()
    load.wait_for(load.control, back)
    time.sleep(AFTER)
    warm, control = load.finish()
    lost = [call for call in warm if call[2] != "200"]
    during = [call for call in warm if gone < call[0] < away]
    what = f"{name} stopped for {AWAY:.0f} s under load"
    row(f"{what}: warm invocations lost", "0",
        f"{len(lost)} of {len(warm):,} ({len(during):,} of them meanwhile, the slowest in "
        f"{max(ended - asked for asked, ended, _ in during) * 1000:.0f} ms){' ' + counted(lost) if lost else ''}")
    meanwhile = [call for call in control if gone < call[0] < away]
    goal = "503 with Retry-After" if service == "postgres" else "200"
    row(f"{what}: control calls meanwhile", goal,
        f"{counted(meanwhile)} (the slowest in {max(ended - asked for asked, ended, _ in meanwhile) * 1000:.0f} ms)")
    row(f"{what}: `/readyz` meanwhile", "200, degraded", f"{ready}, {json.loads(readiness)['status']}")
    row(f"{what}: until no control call failed any more", "by itself",
        f"{recovery(control, back):.1f} s after it was back")


def slowest_percent(calls):
    """The time in ms below which 99 % of the calls were answered."""
    times = sorted(ended - asked for asked, ended, _ in calls)
    return times[min(len(times) - 1, len(times) * 99 // 100)] * 1000


def hang(service, name, core):
    load = Load(core)
    time.sleep(BEFORE)
    services("freeze", service)
    gone = time.monotonic()
    time.sleep(AWAY)
    asked = time.monotonic()
    ready, readiness, _ = core.call("GET", "/readyz")
    took = time.monotonic() - asked
    away = time.monotonic()
    services("thaw", service)
    back = time.monotonic()
    load.wait_for(load.control, back)
    time.sleep(AFTER)
    warm, control = load.finish()
    lost = [call for call in warm if call[2] != "200"]
    before = slowest_percent([call for call in warm if call[0] < gone])
    during = [call for call in warm if gone < call[0] < away]
    meanwhile = slowest_percent(during)
    what = f"{name} hung for {AWAY:.0f} s under load"
    row(f"{what}: warm invocations of a private function lost", "0",
        f"{len(lost)} of {len(warm):,} ({len(during):,} of them meanwhile){' ' + counted(lost) if lost else ''}")
    row(f"{what}: p99 meanwhile", "1.5 × of before",
        f"{meanwhile:.1f} ms, {meanwhile / before:.2f} × of {before:.1f} ms before")
    control = [call for call in control if gone < call[0] < away]
    slowest = max((ended - asked for asked, ended, _ in control), default=0)
    row(f"{what}: control calls meanwhile", "503 with Retry-After" if service == "postgres" else "200",
        f"{counted(control)} (the slowest in {slowest:.1f} s)")
    row(f"{what}: `/readyz` meanwhile", "200, degraded",
        f"{ready}, {json.loads(readiness)['status']} (in {took * 1000:.0f} ms)")


def restart_docker(core, host):
    load = Load(core)
    time.sleep(BEFORE)
    began = time.monotonic()
    services("stop", "docker")
    services("start", "docker")
    back = time.monotonic()
    for thread in load.warm:
        load.wait_for(thread, back)
    time.sleep(AFTER)
    warm, control = load.finish()
    failed = [call for call in warm if call[2] != "200"]
    row(f"dockerd restarted under load, away for {back - began:.1f} s: invocations that failed", "named",
        f"{len(failed)} of {len(warm):,}{' (' + counted(failed) + ')' if failed else ''}")
    row("the same: until every client was answered 200 again", "by itself",
        f"{recovery(warm, back):.1f} s after it was back")
    row("the same: control calls", "200", counted(control))
    owner = (core.data / "installation").read_text()[:16]
    time.sleep(2)
    left = subprocess.run(
        ["docker", "--host", host, "ps", "-a", "--filter", f"label=invok.owner={owner}", "--format", "{{.State}}"],
        check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    row("the same: containers behind it", "running ones only", counted((0, 0, state) for state in left))


def with_core(name, environment, body):
    core = Core(CORE, WORK / name, SECRET | environment)
    try:
        body(core)
    finally:
        core.stop()


def main():
    wanted = sys.argv[3:] or ["postgres", "redis", "hung", "docker"]
    try:
        if {"postgres", "redis", "hung"} & set(wanted):
            urls = services("up", "postgres", "redis")
            for service, name in (("postgres", "PostgreSQL"), ("redis", "Redis")):
                if service in wanted:
                    with_core(service, urls, lambda core: take_away(service, name, core))
                if "hung" in wanted:
                    with_core(f"{service}-hung", urls, lambda core: hang(service, name, core))
        if "docker" in wanted:
            host = services("up", "docker")
            images = subprocess.run(
                [ROOT / "ci/base-images"], env=os.environ | host, check=True, stdout=subprocess.PIPE, text=True).stdout
            environment = host | settings(images) | {"INVOK_ENGINE": "docker"}
            with_core("docker", environment, lambda core: restart_docker(core, host["DOCKER_HOST"]))
            subprocess.run(["docker", "--host", host["DOCKER_HOST"], "container", "prune", "--force"],
                           stdout=subprocess.DEVNULL)
    finally:
        services("down")


main()
