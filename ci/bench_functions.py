"""Measures a server with 1,000 functions of 100 users, and prints rows of docs/benchmarks.md.

Arguments: the path of `invok-core`, and of an empty directory to work in. The functions are put into the store by SQL.
SQLite is measured, and PostgreSQL too where DATABASE_URL names one in which schemas may be made (ci/services up
postgres).
"""

import hashlib
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path

from bench_lib import Core, row

CORE, WORK = sys.argv[1], Path(sys.argv[2])
USERS, FUNCTIONS, CALLS, IDLE_SECONDS = 100, 10, 200, 10
NOW = 1_795_000_000_000
SETTINGS = json.dumps({
    "environment": {"GREETING": "hello"}, "limits": {
        "concurrency": 16, "cpus": 1, "idleSeconds": 300, "maxInstances": 4, "memoryMB": 128, "minInstances": 0,
        "timeoutSeconds": 30}, "runtime": "python"}, separators=(",", ":"), sort_keys=True)
BUILD_LOG = "Collecting what the function needs\n" * 60


def rows(namespace):
    """Of each table the rows that are to be added, the tables in the order in which that is possible."""
    users = [namespace] + [str(uuid.uuid4()) for _ in range(USERS - 1)]
    names = [(user, f"function-{number}") for user in users for number in range(FUNCTIONS)]
    digests = [hashlib.sha256(f"{user}{name}".encode()).hexdigest() for user, name in names]
    return {
        "user": [(user, f"{user}@example.com", "$scrypt$ln=14,r=8,p=1$AAAA$AAAA", "developer", False, NOW)
                 for user in users[1:]],
        "function": [(user, name, "private", 1, NOW, NOW) for user, name in names],
        "version_counter": [(user, name, 1) for user, name in names],
        "version": [(user, name, 1, digest, SETTINGS, "ready", digest, None, BUILD_LOG, user, NOW)
                    for (user, name), digest in zip(names, digests)],
    }


def seed_sqlite(path, namespace):
    database = sqlite3.connect(path)
    with database:
        for table, content in rows(namespace).items():
            database.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(content[0]))})", content)
    database.close()


def sql(text, url):
    subprocess.run(["psql", "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", "--dbname", url], input=text, text=True,
                   check=True, stdout=subprocess.DEVNULL,
                   env=os.environ | {"PGOPTIONS": "-c client_min_messages=warning"})


def literal(value):
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def seed_postgres(url, namespace):
    lines = ["BEGIN;"]
    for table, content in rows(namespace).items():
        table = {"user": "invok_user"}.get(table, table)
        values = ",\n".join("(" + ",".join(map(literal, each)) + ")" for each in content)
        lines.append(f"INSERT INTO {table} VALUES {values};")
    sql("\n".join(lines + ["COMMIT;", "ANALYZE;"]), url)


def list_milliseconds(core, headers):
    connection, durations = core.connect(), []
    for _ in range(CALLS):
        start = time.perf_counter()
        status, text, _ = core.call("GET", "/invok/list", headers=headers, connection=connection)
        durations.append((time.perf_counter() - start) * 1000)
        if status != 200 or len(json.loads(text)) != FUNCTIONS:
            sys.exit(f"the list was answered {status}")
    return durations


def measure(store, settings, seed):
    data = WORK / store
    core = Core(CORE, data, settings)
    namespace, headers = core.register()
    core.stop()
    seed(namespace)
    starts = []
    for _ in range(5):
        core = Core(CORE, data, settings)
        starts.append(core.start_seconds)
        if len(starts) < 5:
            core.stop()
    durations = list_milliseconds(core, headers)
    before = core.processor_seconds()
    time.sleep(IDLE_SECONDS)
    idle = (core.processor_seconds() - before) / IDLE_SECONDS
    memory, most = core.memory_megabytes(), core.memory_megabytes("VmHWM")
    core.stop()
    what = f"{USERS * FUNCTIONS:,} functions of {USERS} users, {store}"
    row(f"{what}: from exec to `/readyz`, median of 5", "< 2 s",
        f"{statistics.median(starts):.2f} s (worst {max(starts):.2f})")
    row(f"{what}: `GET /invok/list`, median of {CALLS}", "< 50 ms",
        f"{statistics.median(durations):.1f} ms (worst {max(durations):.1f})")
    row(f"{what}: resident memory", "< 100 MB", f"{memory:.0f} MB (most {most:.0f})")
    row(f"{what}: processor time while idle", "–", f"{idle * 100:.1f} % of a core")


def main():
    measure("SQLite", {}, lambda namespace: seed_sqlite(WORK / "SQLite/invok.sqlite", namespace))
    database = os.environ.get("DATABASE_URL")
    if not database:
        print("PostgreSQL was not measured: DATABASE_URL is not set", file=sys.stderr)
        return
    schema = f"bench_{uuid.uuid4().hex}"
    sql(f"CREATE SCHEMA {schema}", database)
    url = f"{database}{'&' if '?' in database else '?'}options=-csearch_path%3D{schema}"
    try:
        measure("PostgreSQL", {"DATABASE_URL": url}, lambda namespace: seed_postgres(url, namespace))
    finally:
        sql(f"DROP SCHEMA {schema} CASCADE", database)


main()
