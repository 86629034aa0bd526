"""Functions as people have them, deployed and called: what only real packages, real archives and a whole machine can show.
Prints a line for each case, and ends with 1 when one went wrong.

Arguments: the path of `invok-core`, an empty directory to work in, the engine (embedded, docker), and the names of cases; none
are all. A case is a function of field_frameworks.py or field_machine.py whose name begins with `case_`.
"""

import http.client
import os
import shutil
import sys
import time
import traceback
from pathlib import Path

import field_frameworks
import field_machine
from bench_lib import Core, Failed
from field_lib import Person

CORE, WORK, ENGINE = sys.argv[1], Path(sys.argv[2]).resolve(), sys.argv[3]


def main():
    cases = {
        name[5:]: case for module in (field_frameworks, field_machine) for name, case in vars(module).items()
        if name.startswith("case_")
    }  # fmt: skip
    for name in sys.argv[4:]:
        if name not in cases:
            sys.exit(f"there is no case {name!r}; there are: {', '.join(cases)}")
    WORK.mkdir(parents=True, exist_ok=True)
    settings = {name: value for name, value in os.environ.items() if name.startswith(("INVOK_GO", "INVOK_PY", "INVOK_NODE"))}
    core = Core(CORE, WORK / "data", settings | {"INVOK_ENGINE": "docker" if ENGINE == "docker" else "sandbox"})
    wrong = []
    try:
        for name in sys.argv[4:] or cases:
            began = time.monotonic()
            try:
                cases[name](Person(core))
                outcome = "ok    "
            except (Failed, OSError, http.client.HTTPException, KeyError) as error:
                wrong.append(name)
                outcome = "FAILED"
                where = traceback.extract_tb(error.__traceback__)[1].lineno
                print(f"{name}, line {where}: {type(error).__name__}: {error}", flush=True)
            print(f"{outcome} {name} ({time.monotonic() - began:.1f} s)", flush=True)
    finally:
        core.stop()
        shutil.rmtree(WORK / "data", ignore_errors=True)
    if wrong:
        sys.exit(f"{len(wrong)} went wrong: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
