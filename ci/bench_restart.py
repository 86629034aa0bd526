"""Kills a core that has 50 instances, starts it again, and prints what became of them as rows of docs/benchmarks.md.

    python3 ci/bench_restart.py INVOK-CORE EMPTY-DIRECTORY [sandbox] [docker]

Each function keeps one instance (minInstances). On Docker the instances outlive the core, which must take all of them
over and stop none; in the sandbox they die with it, and must all be up again soon. DOCKER_HOST and INVOK_PYTHON_IMAGE name
the engine and its image for the second (ci/services up docker; ci/base-images). INSTANCES says how many there are (50).
"""

import http.client
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench_lib import Core, Failed, row

CORE, WORK = str(Path(sys.argv[1]).resolve()), Path(sys.argv[2]).resolve()
COUNT = int(os.environ.get("INSTANCES", "50"))
LIMIT = 120
SOURCE = {"function.py": "import os\ndef handler(request):\n    return os.environ.get('HOSTNAME', 'hello')\n"}
SETTINGS = {"AUTH_JWT_SECRET": os.urandom(24).hex()}


def deploy_all(core, headers):
    for number in range(COUNT):
        config = {"function_name": f"kept-{number}", "runtime": "python", "access": "public",
                  "limits": {"minInstances": 1, "maxInstances": 1, "memoryMB": 64}}
        status, text, _ = core.deploy(headers, config, SOURCE)
        if status != 200:
            raise Failed(f"deploy {number}: {status} {text.decode()}")


def containers(core):
    owner = (core.data / "installation").read_text()[:16]
    command = ["docker", "ps", "--no-trunc", "-q", "--filter", f"label=invok.owner={owner}",
               "--filter", "label=invok.kind=instance"]
    return set(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split())


def first_answer(core, path):
    """Seconds until the function answers, asked from now on; a core that is not ready says 503."""
    began = time.perf_counter()
    while time.perf_counter() - began < LIMIT:
        try:
            if core.call("GET", path)[0] == 200:
                return time.perf_counter() - began
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.005)
    raise Failed("the function does not answer any more")


def wait_for_all(core, namespace):
    """Seconds until each function has answered. Each has one instance and no place for a second one, so what answers is
    its minimum."""
    began = time.perf_counter()
    with ThreadPoolExecutor(COUNT) as callers:
        list(callers.map(lambda number: first_answer(core, f"/invok/{namespace}/kept-{number}"), range(COUNT)))
    return time.perf_counter() - began


def killed_and_started_again(name, settings, body):
    data = WORK / name
    core = Core(CORE, data, SETTINGS | settings)
    namespace, headers = core.register()
    deploy_all(core, headers)
    wait_for_all(core, namespace)
    before = containers(core) if name == "docker" else set()
    core.process.send_signal(signal.SIGKILL)
    core.process.wait()
    core = Core(CORE, data, SETTINGS | settings)
    try:
        body(core, namespace, before)
    finally:
        core.stop()
        if name == "docker":
            subprocess.run(["docker", "rm", "-f", *containers(core)], check=False, stdout=subprocess.DEVNULL)


def sandbox(core, namespace, _):
    row(f"kill -9 and restart with {COUNT} instances, sandbox: until every minimum is up again", "< 10 s",
        f"{wait_for_all(core, namespace):.1f} s after the port opened")


def docker(core, namespace, before):
    answered = first_answer(core, f"/invok/{namespace}/kept-0")
    wait_for_all(core, namespace)
    after = containers(core)
    row(f"kill -9 and restart with {COUNT} instances, Docker: containers stopped", "0", str(len(before - after)))
    row(f"kill -9 and restart with {COUNT} instances, Docker: containers started", "0", str(len(after - before)))
    row(f"kill -9 and restart with {COUNT} instances, Docker: first answer after the port opened", "< 1 s",
        f"{answered:.2f} s")


def main():
    wanted = sys.argv[3:] or ["sandbox", "docker"]
    if "sandbox" in wanted:
        killed_and_started_again("sandbox", {}, sandbox)
    if "docker" in wanted:
        names = ("DOCKER_HOST", "INVOK_PYTHON_IMAGE")
        settings = {name: os.environ[name] for name in names if name in os.environ}
        killed_and_started_again("docker", settings | {"INVOK_ENGINE": "docker"}, docker)


main()
