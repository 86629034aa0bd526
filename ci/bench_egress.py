"""Measures what a function's egress adds to its cold start, and prints rows of docs/benchmarks.md.

Arguments: the path of `invok-core`, and of an empty directory to work in. It takes root, nftables and iproute2.
"""

import json
import re
import statistics
import sys
import time
from pathlib import Path

from bench_lib import Core, Failed, row

CORE, WORK = sys.argv[1], Path(sys.argv[2])
STARTS = 20
KINDS = {"none": False, "`true`": True, "a list": ["api.example.com:443", "*.example.org"]}
SOURCE = "def handler(request):\n    return 'hello'\n"


def start_once(core, headers, name, egress, number):
    """Each deploy starts an instance, and the next one ends it."""
    config = {"function_name": name, "runtime": "python", "egress": egress}
    status, text, _ = core.deploy(headers, config, {"function.py": f"{SOURCE}# {number}\n"})
    if status != 200:
        raise Failed(f"the deploy was answered {status}: {text.decode()}")


def durations(core, namespace, headers, name):
    """How long instances took to be ready, as the server writes it into the function's log, in milliseconds."""
    log = core.expect("GET", f"/api/v1/functions/{namespace}/{name}/logs", headers=headers).decode()
    found = [int(each) for each in re.findall(r"instance ready after (\d+) ms", log)]
    if len(found) < STARTS:
        raise Failed(f"the log tells of {len(found)} starts")
    return found[-STARTS:]


def main():
    core = Core(CORE, WORK / "egress", {})
    namespace, headers = core.register()
    # One kind after the other, so that what else the machine does hits all of them; the first of each is left out.
    for number in range(STARTS + 1):
        for kind, egress in enumerate(KINDS.values()):
            start_once(core, headers, f"f{kind}", egress, number)
            time.sleep(0.2)  # until the next network is ready, as between the calls of people
    without, *others = [durations(core, namespace, headers, f"f{kind}") for kind in range(len(KINDS))]
    base = statistics.median(without)
    row(f"cold start of a Python function without egress, median of {STARTS}", "–", f"{base:.0f} ms")
    for what, found in zip(list(KINDS)[1:], others):
        row(f"with `egress` {what}: more than that", "≤ 15 ms", f"{statistics.median(found) - base:.1f} ms")
    core.stop()


main()
