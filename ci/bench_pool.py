"""Compares two ways to use several sessions of PostgreSQL, and prints a table for docs/benchmarks.md: a thread for
each session, which waits for it, as InvokPostgres does, and one thread for all, which does what is ready. pgbench
knows both (--jobs), so the two differ in nothing else; behind it what a call costs in Invok.

Arguments: the path of `invok-core`, and of an empty directory to work in. DATABASE_URL names a PostgreSQL in which
schemas may be made (ci/services up postgres). It needs pgbench and wrk.
"""

import glob
import os
import re
import resource
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

from bench_lib import Core

CORE, WORK = sys.argv[1], Path(sys.argv[2])
DATABASE = os.environ["DATABASE_URL"]
SESSIONS, SECONDS, ROUNDS = 8, int(os.environ.get("ROUND_SECONDS", "5")), 3
SOURCE = {"function.py": "def handler(request):\n    return 'hello'\n"}


def program(name):
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))[-1:]), None)
    return found or sys.exit(f"there is no {name}")


def run(*command):
    """What a program printed, and the processor time that it took in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return said, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def number(pattern, text):
    return float(re.search(pattern, text).group(1))


def pgbench(url, query, jobs):
    """Calls a second, and microseconds of the client's processor time for each."""
    script = WORK / "query.sql"
    script.write_text(query)
    said, seconds = run(
        program("pgbench"), "--no-vacuum", "--protocol=prepared", f"--file={script}", f"--client={SESSIONS}",
        f"--jobs={jobs}", f"--time={SECONDS}", url)
    calls = number(r"actually processed: (\d+)", said)
    return calls / SECONDS, seconds / calls * 1e6


def wrk(core, path, headers):
    before = core.processor_seconds()
    said, _ = run(
        program("wrk"), "--threads", "1", "--connections", str(2 * SESSIONS), "--duration", f"{SECONDS}s",
        *[part for name, value in headers.items() for part in ("--header", f"{name}: {value}")],
        f"http://127.0.0.1:{core.port}{path}")
    if "Non-2xx" in said:
        sys.exit(f"{path} was not answered 200:\n{said}")
    calls = number(r"(\d+) requests in", said)
    return calls / SECONDS, (core.processor_seconds() - before) / calls * 1e6


def best(measure):
    """Of several rounds the one that the machine disturbed least."""
    return max(measure() for _ in range(ROUNDS))


def main():
    schema = f"bench_{uuid.uuid4().hex}"
    run("psql", "-c", f"CREATE SCHEMA {schema}", DATABASE)
    url = f"{DATABASE}{'&' if '?' in DATABASE else '?'}options=-csearch_path%3D{schema}"
    core = Core(CORE, WORK / "data", {"DATABASE_URL": url})
    try:
        namespace, headers = core.register()
        core.deploy(headers, {"function_name": "hello", "runtime": "python"}, SOURCE)
        query = ("SELECT namespace, name, access, active_version, created_at, updated_at FROM function "
                 f"WHERE namespace = '{namespace}' AND name = 'hello';")
        threads, ready = (best(lambda jobs=jobs: pgbench(url, query, jobs)) for jobs in (SESSIONS, 1))
        # The first asks the store twice, the second not at all; all else is the same.
        asking = best(lambda: wrk(core, f"/api/v1/functions/{namespace}/hello", headers))
        silent = best(lambda: wrk(core, "/api/v1/me", headers))
    finally:
        core.stop()
        run("psql", "-c", f"DROP SCHEMA {schema} CASCADE", DATABASE)
    print(f"| one query by its key, {SESSIONS} sessions | a second | client's processor time for each |")
    print("| --- | --- | --- |")
    print(f"| pgbench, a thread for each session | {threads[0]:,.0f} | {threads[1]:.0f} µs |")
    print(f"| pgbench, one thread for all, driven by readiness | {ready[0]:,.0f} | {ready[1]:.0f} µs |")
    print(f"| Invok, `GET /api/v1/functions/…`, two queries and the HTTP around them | {2 * asking[0]:,.0f} "
          f"| {(asking[1] - silent[1]) / 2:.0f} µs without the HTTP |")


main()
