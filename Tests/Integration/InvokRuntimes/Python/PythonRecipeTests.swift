import Invok
import InvokRuntimes
import InvokTemplates
import Testing

@Suite(.serialized, .timeLimit(.minutes(5)))
struct PythonRecipeTests {
    @Test func runsItsTemplate() throws {
        let template = FunctionTemplate(name: try FunctionName("hello-py"), runtime: .python).sources
        let instance = try TestBundle(.python, name: "hello-py", files: template).start()
        #expect(try instance.request("GET", "/hello-py").text == "Hello from hello-py!\n")
    }

    @Test func takesWhatAHandlerReturns() throws {
        let code = """
            from invok import Response
            import io
            def handler(request):
                return {
                    "/dict": {"text": "ü", "list": [1]}, "/list": [1, 2], "/bytes": b"\\x00\\xff", "/pair": ("made", 201),
                    "/triple": ("x", 418, {"X-A": "1"}), "/response": Response({"a": 1}, 202), "/empty": "",
                    "/file": io.BytesIO(b"file"), "/bad": object(), "/split": ("", 200, {"X": "a\\r\\nb: c"}),
                    "/echo": request.json() if request.sub_path == "/echo" else None, "/text": request.text,
                }[request.sub_path]
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        func get(_ path: String) throws -> TestResponse { try instance.request("GET", "/hello-world" + path) }
        #expect(try get("/dict").text == #"{"text": "ü", "list": [1]}"#)
        #expect(try get("/dict").values("content-type") == ["application/json"])
        #expect(try get("/list").text == "[1, 2]")
        #expect(try get("/bytes").body == [0, 255])
        #expect(try get("/pair").status == 201)
        #expect(try get("/triple").status == 418)
        #expect(try get("/triple").values("x-a") == ["1"])
        #expect(try get("/response").status == 202)
        #expect(try get("/empty").status == 200)
        #expect(try get("/file").text == "file")
        #expect(try get("/bad").status == 500)
        #expect(try get("/split").status == 500)
        let body = Array(#"{"k": [1]}"#.utf8)
        #expect(try instance.request("POST", "/hello-world/echo", body: body).text == #"{"k": [1]}"#)
        let latin = ["Content-Type: text/plain; charset=latin-1"]
        #expect(
            try instance.request("PUT", "/hello-world/text", headers: latin, body: [0x22, 0xE9, 0x22]).text == "\"é\"")
    }

    @Test func runsAsyncHandlers() throws {
        let code = """
            import asyncio
            async def handler(request):
                await asyncio.sleep(0)
                if request.sub_path == "/stream":
                    return parts()
                if request.sub_path == "/fail":
                    raise ValueError("async failure")
                return request.body
            async def parts():
                for number in range(3):
                    yield f"{number}\\n"
                    await asyncio.sleep(0)
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        #expect(try instance.request("POST", "/hello-world", body: [1, 2]).body == [1, 2])
        #expect(try instance.request("GET", "/hello-world/stream").text == "0\n1\n2\n")
        #expect(try instance.request("GET", "/hello-world/fail").status == 500)
        let end = try instance.stop()
        #expect(end.status == 0)
        #expect(end.output.contains("ValueError: async failure"))
    }

    @Test func runsWSGIApplications() throws {
        let code = """
            def app(environ, start_response):
                start_response("201 Created", [("X-Path", environ["PATH_INFO"] + "?" + environ["QUERY_STRING"])])
                return [environ["wsgi.input"].read(), environ["HTTP_X_GIVEN"].encode()]
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        let response = try instance.request(
            "POST", "/hello-world/a?b=c", headers: ["X-Given: given"], body: Array("body ".utf8), chunked: true)
        #expect(response.status == 201)
        #expect(response.text == "body given")
        #expect(response.values("x-path") == ["/a?b=c"])
    }

    @Test func runsASGIApplications() throws {
        let code = """
            state = {}
            async def app(scope, receive, send):
                if scope["type"] == "lifespan":
                    assert (await receive())["type"] == "lifespan.startup"
                    state["up"] = b"up "
                    await send({"type": "lifespan.startup.complete"})
                    return await receive()
                await send({"type": "http.response.start", "status": 202, "headers": [(b"x-path", scope["raw_path"])]})
                await send({"type": "http.response.body", "body": state["up"], "more_body": True})
                more = True
                while more:
                    message = await receive()
                    more = message["more_body"]
                    await send({"type": "http.response.body", "body": message["body"], "more_body": more})
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        let body = [UInt8](repeating: 65, count: 300_000)
        let response = try instance.request("POST", "/hello-world/a", body: body)
        #expect(response.status == 202)
        #expect(response.body == Array("up ".utf8) + body)
        #expect(response.values("x-path") == ["/a"])
        #expect(try instance.stop().status == 0)
    }

    @Test func importsVendoredPackages() throws {
        let files = [
            "function.py": "import said, near\ndef handler(request):\n    return said.TEXT + near.TEXT\n",
            "vendor/said/__init__.py": "TEXT = 'vendored '\n", "near.py": "TEXT = 'near'\n",
            "vendor/Said_Package-1.0.dist-info/METADATA": "", "vendor/old/py2.py": "print 'not for this Python'\n",
            "requirements.txt": "said.package==1.0  # exact\nnear>=2\nnever; sys_platform == 'win32'\n",
        ]
        let instance = try TestBundle(.python, files: files).start()
        #expect(try instance.request("GET", "/hello-world").text == "vendored near")
    }

    @Test func returnsSyntaxErrorsWithFileAndLine() throws {
        let failed = try failure(of: .python, files: ["function.py": "def handler(request):\n    return (\n"])
        #expect(failed.log.contains("function.py\", line 2"))
        #expect(failed.reason == "the function does not compile")
        let empty = try failure(of: .python, files: ["function.py": "x = 1\n"])
        #expect(empty.reason.contains("def handler(request)"))
    }

    @Test func printsWhyLoadingFailed() throws {
        let code = "import missing_package\ndef handler(request): pass\n"
        let end = try TestBundle(.python, files: ["function.py": code]).start().end()
        #expect(end.status == 1)
        #expect(end.output.contains("No module named 'missing_package'"))
        #expect(end.output.contains("function.py\", line 1"))
        #expect(!end.output.contains("invok_server"))
    }
}
