import Invok
import InvokRuntimes
import Testing

/// Functions as people write them, here and for other platforms.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct PythonShapeTests {
    @Test func startsProcessesInEachWay() throws {
        let code = """
            import multiprocessing, os, subprocess, time
            from concurrent.futures import ProcessPoolExecutor

            def double(number): return number * 2

            def handler(request):
                way = request.sub_path[1:]
                if way == "terminate":
                    process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
                    process.start(); process.terminate(); process.join(30)
                    return str(process.exitcode)
                if way == "bare":
                    if (child := os.fork()) == 0: return "of the child"
                    return str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
                if way == "raising":
                    if (child := os.fork()) == 0: raise SystemExit(7)
                    return str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
                if way == "subprocess":
                    return subprocess.run(["sh", "-c", "kill -TERM $$"]).returncode
                with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(way)) as pool:
                    return str(list(pool.map(double, [1, 2])))
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        func get(_ way: String) throws -> String { try instance.request("GET", "/hello-world/" + way).text }
        for way in ["fork", "spawn", "forkserver"] { #expect(try get(way) == "[2, 4]", "\(way)") }
        for _ in 1...3 { #expect(try get("terminate") == "-15") }
        #expect(try get("bare") == "0")
        #expect(try get("raising") == "7")
        #expect(try get("subprocess") == "-15")
        #expect(try get("fork") == "[2, 4]", "it goes on")
        #expect(try instance.stop().status == 0)
    }

    @Test(arguments: ["exit(3)", "quit()", "import sys; sys.exit('why')"])
    func whoExitsEndsTheRequestAlone(statement: String) throws {
        let code = "def handler(request):\n    if request.sub_path == '/x': \(statement)\n    return 'there'\n"
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        #expect(try instance.request("GET", "/hello-world/x").status == 500)
        #expect(try instance.request("GET", "/hello-world").text == "there")
        let end = try instance.stop()
        #expect(end.output.contains("SystemExit") && !end.output.contains("NameError"))
    }

    @Test func lastWordsArePrinted() throws {
        let code = """
            import os, sys
            print("loading", end="")
            def handler(request):
                print(" last", end=""); sys.stdout.write(" words")
                os.kill(os.getpid(), 9)
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        #expect(throws: (any Error).self) { try instance.request("GET", "/hello-world") }
        #expect(try instance.end().output == "loading last words")
    }

    @Test func threadsThatTalkDoNotKeepItFromEnding() throws {
        let code = """
            import threading
            def talk():
                while True: print("x" * 100)
            for _ in range(3): threading.Thread(target=talk, daemon=True).start()
            raise RuntimeError("no luck today")
            def handler(request): pass
            """
        let end = try TestBundle(.python, files: ["function.py": code]).start().end()
        #expect(end.status == 1)
        #expect(end.output.contains("RuntimeError: no luck today"))
    }

    @Test func whatThreadsPrintIsNotMixed() throws {
        let code = """
            import sys, threading, time
            def say(name):
                for number in range(300):
                    print(name, number, "of the same words")
                    print(name, number, "of other words", file=sys.stderr)
            def handler(request):
                threads = [threading.Thread(target=say, args=(f"t{n}",)) for n in range(8)]
                for thread in threads: thread.start()
                for thread in threads: thread.join()
                sys.stdout.write("a prompt> ")
                time.sleep(1)
                return "done"
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        let request = Array("GET /hello-world HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".utf8)
        // Before the handler ends, and before the line does.
        _ = try instance.exchange(request, onSent: { try instance.waitForOutput("a prompt> ") })
        let lines = try instance.stop().output.split(separator: "\n").filter { $0 != "a prompt> " }
        #expect(lines.count == 8 * 300 * 2)
        #expect(lines.allSatisfy { $0.hasSuffix(" words") && $0.split(separator: " ").count <= 6 })
    }

    @Test(arguments: [
        ("function.py", "from .near import text"), ("function.py", "from . import near; text = near.text"),
        ("src/app.py", "from .near import text"), ("src/app.py", "from near import text"),
        ("my-app/main.py", "from near import text"), ("my-app/main.py", "from .near import text"),
    ])
    func importsItsNeighbours(path: String, statement: String) throws {
        let folder = path.contains("/") ? path.prefix { $0 != "/" } + "/" : ""
        let files = [path: statement + "\ndef handler(request): return text\n", "\(folder)near.py": "text = 'near'\n"]
        let instance = try TestBundle(.python, config: path == "function.py" ? [:] : ["entry": path], files: files)
            .start()
        #expect(try instance.request("GET", "/hello-world").text == "near")
    }

    @Test func importsThatLeadOutAreExplained() throws {
        let code = "from ..util import x\ndef handler(request): return x\n"
        let reason = try failure(of: .python, files: ["function.py": code, "util.py": "x = 1\n"]).reason
        #expect(reason.contains("relative import 'from ..util import …'"))
        #expect(reason.contains("write 'from util import …'"))
    }

    @Test func anEntryNamesTheFileAndWhatIsCalled() throws {
        let code = """
            def other(request): return "other"
            class Api:
                def serve(self, request): return "served"
            api = Api()
            def make(config=None):
                return lambda environ, start_response: (start_response("200 OK", []), [b"made"])[1]
            """
        let files = ["api/web.py": code]
        for (symbol, text) in [("other", "other"), ("api.serve", "served"), ("make", "made")] {
            let instance = try TestBundle(.python, config: ["entry": "api/web.py:\(symbol)"], files: files).start()
            #expect(try instance.request("GET", "/hello-world").text == text)
        }
        let reason = try failure(of: .python, config: ["entry": "api/web.py:none"], files: files).reason
        #expect(reason.contains("api/web.py has no 'none'"))
    }

    @Test func runsProgramsBesideIt() throws {
        let files = [
            "function.py": "import subprocess\ndef handler(request): return subprocess.check_output('./bin/tool')\n",
            "bin/tool": "#!/bin/sh\necho run\n",
        ]
        let instance = try TestBundle(.python, files: files, executables: ["bin/tool"]).start()
        #expect(try instance.request("GET", "/hello-world").text == "run\n")
    }

    @Test(arguments: ["handler", "lambda_handler"]) func servesHandlersOfLambda(name: String) throws {
        let code = """
            import json
            def \(name)(event, context):
                http = event["requestContext"]["http"]
                seen = [
                    event["version"], event["rawPath"], http["method"], event.get("queryStringParameters"),
                    event.get("cookies"), event.get("body"), event["isBase64Encoded"], context.aws_request_id,
                    context.get_remaining_time_in_millis() > 1000, event["headers"]["x-given"],
                ]
                return {
                    "statusCode": 201, "body": json.dumps(seen), "headers": {"Content-Type": "text/x", "X-A": 1},
                    "multiValueHeaders": {"X-B": ["1", "2"]}, "cookies": ["a=1", "b=2"],
                }
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        let answer = try instance.request(
            "POST", "/hello-world/a%20b?x=1&x=2&y=",
            headers: [
                "X-Given: g", "Cookie: c=1; d=2", "Content-Type: application/json", "X-Invok-Request-Id: r-1",
            ], body: Array("{}".utf8))
        #expect(
            answer.text == """
                ["2.0", "/a b", "POST", {"x": "1,2", "y": ""}, ["c=1", "d=2"], "{}", false, "r-1", true, "g"]
                """)
        #expect(answer.status == 201)
        #expect(answer.values("content-type") == ["text/x"] && answer.values("x-a") == ["1"])
        #expect(answer.values("x-b") == ["1", "2"] && answer.values("set-cookie") == ["a=1", "b=2"])
        let binary = try instance.request("POST", "/hello-world", headers: ["X-Given: g"], body: [0xFF, 0])
        #expect(binary.text.contains(#"null, "/wA=", true"#) || binary.text.contains(#""/wA=", true"#))
    }

    @Test(arguments: [
        (#"{"statusCode": 418, "body": "x"}"#, 418, "x"), (#"{"statusCode": 204}"#, 204, ""),
        (#"{"statusCode": 200, "body": "aGk=", "isBase64Encoded": True}"#, 200, "hi"),
        (#"{"statusCode": 418, "body": "x", "more": 1}"#, 200, #"{"statusCode": 418, "body": "x", "more": 1}"#),
        (#"{"statusCode": "418"}"#, 200, #"{"statusCode": "418"}"#),
        (#"{"statusCode": True}"#, 200, #"{"statusCode": true}"#),
        (#"{"body": "x"}"#, 200, #"{"body": "x"}"#),
    ])
    func onlyAWholeAnswerOfLambdasIsOne(result: String, status: Int, text: String) throws {
        let code = "def handler(request): return \(result)\n"
        let answer = try TestBundle(.python, files: ["function.py": code]).start().request("GET", "/hello-world")
        #expect(answer.status == status && answer.text == text)
    }

    @Test(arguments: [
        ("def handle(event, context): return {}\n", "OpenFaaS"), ("def handle(req): return req\n", "OpenFaaS"),
        ("def handler(ctx, data=None): return data\n", "Fn"), ("def handler(): return ''\n", "takes no argument"),
        ("import azure.functions as func\ndef main(req: func.HttpRequest): return ''\n", "Azure"),
        ("def main(args): return {}\n", "OpenWhisk"), ("class handler: pass\n", "is a class"),
        ("from http.server import BaseHTTPRequestHandler\nclass handler(BaseHTTPRequestHandler): pass\n", "Vercel"),
        (
            "import functions_framework\n@functions_framework.http\ndef hello(request): return ''\n",
            "create_app(\"hello\""
        ),
        ("def hello(request): return ''\n", "\"entry\": \"function.py:hello\""), ("x = 1\n", "def handler(request)"),
    ])
    func whatOthersServeIsNamed(code: String, words: String) throws {
        let reason = try failure(of: .python, files: ["function.py": code]).reason
        #expect(reason.contains(words) && reason.contains("def handler(request)"))
    }

    @Test(arguments: [
        ("class app:\n    @staticmethod\n    def run(): pass\napp.run()\n", "'app.run' in line 4"),
        ("import uvicorn\ndef handler(request): pass\nuvicorn.run(handler, port=1)\n", "'uvicorn.run' in line 3"),
    ])
    func aServerOfItsOwnIsNamed(code: String, words: String) throws {
        let reason = try failure(of: .python, files: ["function.py": code]).reason
        #expect(reason.contains(words) && reason.contains("__main__"), "\(reason)")
        let guarded = "import sys\ndef handler(request): return 'x'\nif __name__ == '__main__':\n    app.run()\n"
        _ = try TestBundle(.python, files: ["function.py": guarded])
    }

    @Test func applicationsOfNoStandardAreNamed() throws {
        let files = [
            "function.py": "from aiohttp import web\napp = web.Application()\n", "aiohttp/__init__.py": "",
            "aiohttp/web.py": "class Application:\n    def __call__(self): pass\n",
        ]
        let end = try TestBundle(.python, files: files).start().end()
        #expect(end.status == 1)
        #expect(end.output.contains("invok: 'app' in function.py is an application of aiohttp"), "\(end.output)")
    }

    /// Whatever other tool has it in a list of its own.
    @Test func whatIsNotInstalledIsNamed() throws {
        let files = [
            "function.py": "import near, six.moves\nhandler = print\n", "near.py": "", "Pipfile": "[packages]\n",
        ]
        let end = try TestBundle(.python, files: files).start().end()
        #expect(
            end.output.contains("nothing installs 'six'") && end.output.contains("pipenv requirements"), "\(end.output)"
        )
    }

    /// Python makes of a number as many zeros.
    @Test func numbersAreNoPartsOfAnAnswer() throws {
        let code = "def handler(request): return {1, 2} if request.sub_path == '/set' else iter([b'a', 3])\n"
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        #expect(try instance.request("GET", "/hello-world/set").status == 500)
        #expect(try instance.stop().output.contains("must be str or bytes, not int"))
    }

    @Test func answersOfOtherFrameworksAreNotTakenApart() throws {
        let code = """
            class Answer:
                status_code = 403
                def __iter__(self): return iter([b"secret"])
            def handler(request): return Answer() if request.sub_path == "/a" else request.args
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        #expect(try instance.request("GET", "/hello-world/a").status == 500)
        #expect(try instance.request("GET", "/hello-world").status == 500)
        let output = try instance.stop().output
        #expect(output.contains("return invok.Response") && output.contains("Invok's request has no 'args'"))
    }
}
