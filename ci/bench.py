"""Measures a running server through the real CLI and prints the rows of docs/benchmarks.md. Called by ci/bench.

Arguments: the directory with the built `invok`, the process id of the server, an empty directory to work in.
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

INVOK = str(Path(sys.argv[1]) / "invok")
SERVER = sys.argv[2]
WORK = Path(sys.argv[3])

REPEATS_DEPLOY = 5
REPEATS_START = 20
REPEATS_FLOOR = 10
SOURCES = {"go": ("function.go", "//"), "python": ("function.py", "#"), "nodejs": ("function.js", "//")}


def invok(*arguments):
    """Runs the CLI and returns its stdout; ends the script with the CLI's own message when it fails."""
    done = subprocess.run([INVOK, *arguments], cwd=WORK, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"invok {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def seconds(*commands):
    """How long these commands of the CLI take, one after the other."""
    start = time.perf_counter()
    for command in commands:
        invok(*command)
    return time.perf_counter() - start


def resident_megabytes():
    """What the server holds in memory now, instances not counted."""
    for line in Path(f"/proc/{SERVER}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    sys.exit("the server has ended")


def demo_work():
    """What ci/demo has the server do."""
    invok("register", "-e", "bench@example.com", "-p", "bench-password")
    invok("login", "-e", "bench@example.com", "-p", "bench-password")
    invok("create", "-n", "bench-go", "-r", "go")
    invok("deploy", "-n", "bench-go")
    invok("list")
    invok("invoke", "-n", "bench-go")
    invok("logs", "-n", "bench-go")


def deploy_seconds(runtime):
    """From the start of `invok deploy` to the new version's first answer, each time with changed source."""
    name = f"bench-{runtime}"
    source, comment = SOURCES[runtime]
    path = WORK / name / source
    if not path.exists():
        invok("create", "-n", name, "-r", runtime)
        invok("deploy", "-n", name)
        invok("invoke", "-n", name)
    written = path.read_text()

    durations = []
    for number in range(REPEATS_DEPLOY):
        path.write_text(f"{written}\n{comment} change {number}\n")
        durations.append(seconds(("deploy", "-n", name), ("invoke", "-n", name)))
    return statistics.median(durations)


def cold_start_milliseconds(runtime):
    """From the engine's `start` to the first 200, as the server noted it for each version that was deployed last."""
    log = invok("logs", "-n", f"bench-{runtime}")
    found = [int(milliseconds) for milliseconds in re.findall(r"instance ready after (\d+) ms", log)]
    return statistics.median(found[-REPEATS_DEPLOY:])


def tool(name):
    """The executable that the server uses, found in its order."""
    data = os.environ.get("XDG_DATA_HOME") or f"{os.environ['HOME']}/.local/share"
    toolchains = os.environ.get("INVOK_TOOLCHAINS") or f"{data}/invok/toolchains"
    own = f"{toolchains}/bin/{name}"
    found = os.environ.get(f"INVOK_{name.upper()}") or (own if os.access(own, os.X_OK) else shutil.which(name))
    return os.path.realpath(found)


def floor_command(runtime):
    """What an instance of the last version runs, and where it lies on this machine."""
    mark = {"go": "function", "python": ".invok/shim.py", "nodejs": ".invok/shim.mjs"}[runtime]
    program = max((WORK.parent / "data" / "bundles").glob(f"*/{mark}"), key=lambda path: path.parent.stat().st_mtime)
    if runtime == "go":
        return [str(program)], program.parent
    if runtime == "python":
        python = subprocess.run(
            [os.environ.get("INVOK_PYTHON") or "python3", "-c", "import sys; print(sys._base_executable)"],
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        return [python, "-S", "-B", str(program)], program.parents[1]
    return [tool("node"), "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", str(program)], program.parents[1]


def floor_milliseconds(runtime):
    """From fork and exec of the same program without any isolation to its first 200."""
    command, bundle = floor_command(runtime)
    environment = {
        "INVOK_FUNCTION_NAME": f"bench-{runtime}", "INVOK_CONCURRENCY": "16", "INVOK_TIMEOUT_SECONDS": "30",
        "LISTEN_FDS": "1", "TZ": "UTC", "LANG": "C.UTF-8", "HOME": "/tmp", "PATH": "/usr/bin:/bin",
    }
    durations = []
    for number in range(REPEATS_FLOOR):
        path = str(WORK / f"floor-{number}")
        with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as connection:
            listening.bind(path)
            listening.listen()
            # Out of the way of the numbers that the program gets.
            passed = os.dup2(listening.fileno(), 100)
            start = time.perf_counter()
            process = os.posix_spawn(
                command[0], command, environment, file_actions=[(os.POSIX_SPAWN_DUP2, passed, 3)])
            connection.connect(path)
            connection.sendall(b"GET /_invok/ready HTTP/1.1\r\nHost: bench\r\n\r\n")
            answer = connection.recv(4096)
            durations.append((time.perf_counter() - start) * 1000)
            os.kill(process, 9)
            os.waitpid(process, 0)
            os.close(passed)
            os.unlink(path)
        if not answer.startswith(b"HTTP/1.1 200"):
            sys.exit(f"{command[0]} in {bundle} answered {answer!r}")
    return statistics.median(durations)


def row(figure, goal, value):
    print(f"| {figure} | {goal} | {value} |", flush=True)


demo_work()
memory = resident_megabytes()
for runtime, goal in (("python", "< 1 s"), ("nodejs", "< 1 s"), ("go", "< 3 s")):
    figure = f"`invok deploy` to first answer, {runtime}, median of {REPEATS_DEPLOY}"
    row(figure, goal, f"{deploy_seconds(runtime):.2f} s")
row("server's resident memory after the demo's work", "< 60 MB", f"{memory:.0f} MB")
row("the same after the deploys above", "–", f"{resident_megabytes():.0f} MB")
start = statistics.median(seconds(("--version",)) for _ in range(REPEATS_START))
row(f"`invok --version`, median of {REPEATS_START}", "< 50 ms", f"{start * 1000:.0f} ms")

print("\n| from start to the first 200 | without isolation | in a sandbox | ratio |\n| --- | --- | --- | --- |")
for runtime in SOURCES:
    floor, cold = floor_milliseconds(runtime), cold_start_milliseconds(runtime)
    print(f"| {runtime} | {floor:.1f} ms | {cold:.0f} ms | {cold / floor:.1f} |", flush=True)
