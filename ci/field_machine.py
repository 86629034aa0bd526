"""Cases of `ci/field.py`: what a function finds around it, archives, requests and answers."""

import concurrent.futures
import hashlib
import io
import os
import subprocess
import urllib.parse
import zipfile

from field_lib import GO, LARGE, NODE, PYTHON, expect

# MARK: What a function finds around it


def case_surroundings(person):
    code = """
import asyncio, datetime, getpass, http.server, multiprocessing, os, pathlib, socket, sqlite3, sys, tempfile, threading
import urllib.request, zoneinfo
from multiprocessing import shared_memory
def zone(): return str(datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")).utcoffset())
def user(): return str(len(getpass.getuser()) > 0)
def home():
    path = pathlib.Path.home() / ".cache" / "tool"
    path.mkdir(parents=True, exist_ok=True)
    return str((path / "file").write_text("xyz"))
def database(): return str(sqlite3.connect("/tmp/x.db").execute("select 3").fetchone()[0])
def memory():
    shared = shared_memory.SharedMemory(create=True, size=100)
    shared.close(); shared.unlink()
    return "100"
def manager():
    with multiprocessing.Manager() as made: return str(made.list([3]))
def name(): return socket.getaddrinfo("localhost", 80)[0][4][0]
def loopback():
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
    threading.Thread(target=server.handle_request, daemon=True).start()
    return str(urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}/", timeout=3).status)
def shell():
    async def run():
        process = await asyncio.create_subprocess_shell("echo a; exit 3", stdout=-1)
        return (await process.communicate())[0].decode() + str(process.returncode)
    return asyncio.run(run())
def stdin(): return repr(sys.stdin.read())
def threads():
    made = [threading.Thread(target=threading.Event().wait, args=(0.1,)) for _ in range(50)]
    for each in made: each.start()
    for each in made: each.join()
    return "50"
def deep(): return deep()
def handler(request): return globals()[request.sub_path[1:]]()
"""
    person.deploy("around", "python", {PYTHON: code}, **LARGE)
    for what, text in {
        "zone": "2:00:00", "user": "True", "home": "3", "database": "3", "memory": "100", "manager": "[3]",
        "name": "127.0.0.1", "loopback": "200", "shell": "a\n3", "stdin": "''", "threads": "50",
    }.items():  # fmt: skip
        person.answers("around", "/" + what, text)
    person.answers("around", "/deep", "function_failed", status=500)
    person.answers("around", "/zone", "2:00:00")


def case_node_surroundings(person):
    code = """
import { fork } from "node:child_process";
import { DatabaseSync } from "node:sqlite";
import { Worker } from "node:worker_threads";
import data from "./data.json" with { type: "json" };
const message = (from) => new Promise((resolve, reject) => from.on("message", resolve).on("error", reject));
const ways = {
  worker: () => message(new Worker(new URL("./worker.js", import.meta.url))),
  fork: () => message(fork("./child.mjs")),
  database: () => new DatabaseSync(":memory:").prepare("select 'done' as v").get().v,
  zone: () => new Date(0).toLocaleString("de-DE", { timeZone: "Europe/Berlin" }),
  json: () => data.word,
};
export default async (request) => new Response(await ways[new URL(request.url).pathname.split("/")[2]]());
"""
    person.deploy("node", "nodejs", {
        NODE: code, "data.json": '{"word": "done"}', "child.mjs": "process.send('done'); process.disconnect();\n",
        "worker.js": "import { parentPort } from 'node:worker_threads'; parentPort.postMessage('done');\n",
    })  # fmt: skip
    for what in ("worker", "fork", "database", "json"):
        person.answers("node", "/" + what, "done")
    person.answers("node", "/zone", "01:00:00")


def case_go_surroundings(person):
    code = """package main

import ("log"; "net/http"; "time")

func Handle(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Query().Get("a") {
	case "zone":
		zone, err := time.LoadLocation("Europe/Berlin")
		if err != nil { log.Panic(err) }
		w.Write([]byte(time.Unix(0, 0).In(zone).Format("15:04")))
	case "fatal": log.Fatal("the end")
	case "goroutine":
		go func() { panic("elsewhere") }()
		time.Sleep(time.Minute)
	}
}
"""
    person.deploy("go", "go", {GO: code})
    person.answers("go", "?a=zone", "01:00")
    for what, words in (("fatal", "the end"), ("goroutine", "elsewhere")):
        expect(person.call("go", f"?a={what}")[0] == 502)
        person.awaits_log("go", words)
        person.answers("go", "?a=zone", "01:00")


# MARK: Archives


def case_archives(person):
    code = "import os\ndef handler(request): return open(request.query['path']).read()\n"
    config = '{"function_name": "zip", "runtime": "python", "access": "public"}'
    files = {"function.py": code, "config.json": config, "über ß/日本.txt": "named", "closed.txt": "closed"}
    # Modes of a system that has none, and of one whose owner alone may read.
    person.deploy("zip", "python", files, modes={"closed.txt": 0o100000, "function.py": 0o100600, "über ß/日本.txt": 0o100400})
    for path, text in (("closed.txt", "closed"), ("über ß/日本.txt", "named")):
        person.answers("zip", "?path=" + urllib.parse.quote(path), text)
    # Written without going back, as to a pipe, with a folder of its own around the project, and with large sizes.
    stream = Stream()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            with archive.open("project/" + name, "w", force_zip64=True) as entry:
                entry.write(content.encode())
    status, answer = person.upload("zip", stream.data)
    expect(status == 200, answer)
    person.answers("zip", "?path=closed.txt", "closed")
    many = {PYTHON: "import os\ndef handler(request): return str(len(os.listdir('many')))\n"}
    person.deploy("many", "python", many | {f"many/{number}.txt": str(number) for number in range(9000)})
    person.answers("many", "", "9000")
    for data in (b"no archive", b"", b"PK\3\4", archive_of_tar()):
        status, answer = person.upload("zip", data)
        expect(status == 400 and answer["detail"], answer)
    person.answers("zip", "?path=closed.txt", "closed")


class Stream(io.RawIOBase):
    """A file that cannot be sought in."""

    data = b""

    def writable(self):
        return True

    def write(self, data):
        self.data += bytes(data)
        return len(data)


def archive_of_tar():
    return subprocess.run(["tar", "-czf", "-", "-C", "/etc", "hostname"], stdout=subprocess.PIPE, check=True).stdout


# MARK: Requests and answers

EARLY = {
    "python": {PYTHON: "def handler(request): return 'too large', 413\n"},
    "nodejs": {NODE: "export default () => new Response('too large', { status: 413 });\n"},
    "go": {GO: 'package main\nimport "net/http"\nfunc Handle(w http.ResponseWriter, r *http.Request) { w.WriteHeader(413) }\n'},
}


def case_early_answers(person):
    """An answer before a large body is read comes back whole, and neither it nor the body is in the way of others."""
    body = bytes(30_000_000)
    for runtime, files in EARLY.items():
        person.deploy("early", runtime, files)
        for _ in range(3):
            connection = person.core.connect()
            connection.putrequest("POST", person.path("early"))
            connection.putheader("Content-Length", str(len(body)))
            try:
                connection.endheaders(body)
            except OSError:
                pass  # Who answers early takes no more.
            answer = connection.getresponse()
            expect(answer.status == 413, runtime, answer.status)
            person.answers("early", "", "", status=413)


def case_large(person):
    code = """
import hashlib
def handler(request):
    if request.method == "GET": return (b"x" * 100_000 for _ in range(1000))
    total, sum = 0, hashlib.sha256()
    while part := request.stream.read(65536):
        total += len(part); sum.update(part)
    return f"{total} {sum.hexdigest()}"
"""
    person.deploy("large", "python", {PYTHON: code}, **LARGE)
    body = os.urandom(60_000_000)
    person.answers("large", "", f"60000000 {hashlib.sha256(body).hexdigest()}", method="POST", body=body)
    parts = iter([body[:10], body[10:2_000_000]])
    person.answers("large", "", f"2000000 {hashlib.sha256(body[:2_000_000]).hexdigest()}", method="POST", body=parts)
    expect(len(person.call("large")[1]) == 100_000_000)


def case_odd_answers(person):
    code = """
from invok import Response
ANSWERS = {
    "cookies": ("x", 200, {"Set-Cookie": [f"c{n}=1" for n in range(60)]}),
    "umlaut": ("x", 200, {"X-Name": "Zürich"}),
    "hop": ("x", 200, {"Transfer-Encoding": "chunked", "Connection": "close", "Keep-Alive": "1"}),
    "empty": ("x", 204),
    "status": ("x", 999),
    "short": ("hello", 200, {"Content-Length": "2"}),
    "bytes": bytearray(b"x"),
    "parts": Response(iter(["a", b"", "b"])),
}
def handler(request): return ANSWERS[request.sub_path[1:]]
"""
    person.deploy("odd", "python", {PYTHON: code})
    expect(len(person.call("odd", "/cookies")[2].get_all("Set-Cookie")) == 60)
    for what, status, text in [
        ("umlaut", 200, "x"), ("hop", 200, "x"), ("empty", 204, ""), ("status", 500, "function_failed"),
        ("short", 200, "hello"), ("bytes", 200, "x"), ("parts", 200, "ab"),
    ]:  # fmt: skip
        person.answers("odd", "/" + what, text, status=status)


def case_odd_methods(person):
    person.deploy("methods", "python", {PYTHON: "def handler(request): return request.method\n"})
    for method in ("PROPFIND", "PURGE", "OPTIONS", "M-SEARCH"):
        person.answers("methods", "", method, method=method)


def case_floods(person):
    """Many lines, long ones, and what is no text: all counted, and the next line is there."""
    code = """
import sys
def handler(request):
    for n in range(100_000): print("line", n)
    print("long " * 100_000)
    sys.stdout.buffer.write(bytes(range(256)) + b"\\n")
    sys.stdout.flush()
    print("the last line")
    return "x"
"""
    person.deploy("flood", "python", {PYTHON: code})
    person.answers("flood", "", "x")
    person.awaits_log("flood", "the last line")
    expect("lines left out" in person.log("flood"), person.log("flood")[:300])


def case_at_once(person):
    """Callers at a time, on a function that has to start for them."""
    code = "import time\ndef handler(request):\n    time.sleep(0.1)\n    return 'x'\n"
    person.deploy("once", "python", {PYTHON: code}, limits={"ratePerCaller": 0})
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        for status, text, _ in pool.map(lambda _: person.call("once"), range(200)):
            expect((status, text) == (200, "x"), status, text)
