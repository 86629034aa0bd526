"""Measures a running server through the real CLI and prints the rows of docs/benchmarks.md. Called by ci/bench.

Arguments: the directory with the built `invok`, the process id of the server, an empty directory to work in.
"""

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
