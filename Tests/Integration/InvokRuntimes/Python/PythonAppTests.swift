import Invok
import InvokRuntimes
import Testing

/// Apps by Python's own standards: where they stand, who calls, and that they hear of the end.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct PythonAppTests {
    private static let outside = ["X-Forwarded-Prefix: /invok/n/hello-world", "X-Real-IP: 192.0.2.7"]

    private static let wsgi = """
        def simple(environ, start_response):
            start_response("200 OK", [])
            names = ("SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "REMOTE_ADDR", "REQUEST_URI", "SERVER_NAME", "SERVER_PORT")
            return ["|".join(environ[name] for name in names).encode()]
        """

    private static let asgi = """
        async def simple(scope, receive, send):
            if scope["type"] == "lifespan": raise NotImplementedError
            await send({"type": "http.response.start", "status": 200, "headers": []})
            text = "|".join(map(str, (scope["root_path"], scope["path"], scope["raw_path"].decode(), scope["client"][0])))
            await send({"type": "http.response.body", "body": text.encode()})
        """

    @Test(arguments: ["app", "application"]) func aWSGIApplicationIsMounted(name: String) throws {
        let instance = try TestBundle(.python, files: ["function.py": Self.wsgi + "\n\(name) = simple\n"]).start()
        func get(_ path: String) throws -> String {
            try instance.request("GET", "/hello-world" + path, headers: Self.outside).text
        }
        let start = "/invok/n/hello-world|"
        for path in ["", "/"] { #expect(try get(path) == start + "/||192.0.2.7|/invok/n/hello-world/|localhost|80") }
        #expect(
            try get("/a%20b/?c=%20")
                == start + "/a b/|c=%20|192.0.2.7|/invok/n/hello-world/a%20b/?c=%20|localhost|80")
        // On a host of its own.
        #expect(try instance.request("GET", "/hello-world/a").text == "|/a||127.0.0.1|/a|localhost|80")
    }

    /// Django reads no more than it is told there is.
    @Test func aBodyInChunksHasALength() throws {
        let code = """
            def app(environ, start_response):
                start_response("200 OK", [])
                length = environ.get("CONTENT_LENGTH")
                body = environ["wsgi.input"].read() if length is None else environ["wsgi.input"].read(int(length))
                return [f"{length} {len(body)} {sum(body)}".encode()]
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        for (count, length) in [(0, "0"), (300_000, "300000"), (9 << 20, "None")] {
            let body = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let sum = body.reduce(0) { $0 + Int($1) }
            let answer = try instance.request("POST", "/hello-world", body: body, chunked: true)
            #expect(answer.text == "\(length) \(count) \(sum)")
        }
    }

    @Test func anASGIApplicationsPathBeginsWithItsRoot() throws {
        let instance = try TestBundle(.python, files: ["function.py": Self.asgi + "\napp = simple\n"]).start()
        let root = "/invok/n/hello-world"
        #expect(
            try instance.request("GET", "/hello-world/a%20b?c", headers: Self.outside).text
                == "\(root)|\(root)/a b|\(root)/a%20b|192.0.2.7")
        #expect(try instance.request("GET", "/hello-world", headers: Self.outside).text.contains("|\(root)/|"))
        #expect(try instance.request("GET", "/hello-world/a").text == "|/a|/a|127.0.0.1")
    }

    /// What makes addresses by its standard has the root in them already; what writes a path means one of its own.
    @Test(arguments: [
        """
        def app(environ, start_response):
            start_response("302 Found", [("Location", environ["QUERY_STRING"])])
            return []
        """,
        """
        async def app(scope, receive, send):
            if scope["type"] != "http": return
            headers = [(b"location", scope["query_string"])]
            await send({"type": "http.response.start", "status": 302, "headers": headers})
            await send({"type": "http.response.body"})
        """,
        "def lambda_handler(event, context): return {'statusCode': 302, 'headers': {'location': event['rawQueryString']}}\n",
    ])
    func redirectsLeadToWhereItStands(code: String) throws {
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        let root = "/invok/n/hello-world"
        for (said, sent) in [
            ("/there", root + "/there"), ("/", root + "/"), (root + "/a", root + "/a"), (root, root),
            (root + "?a", root + "?a"),
            ("/invok/n/other", "/invok/n/other"), ("/invok/m/other", root + "/invok/m/other"), ("there", "there"),
            ("//a.example/", "//a.example/"), ("https://a.example/", "https://a.example/"),
        ] {
            let answer = try instance.request("GET", "/hello-world?" + said, headers: Self.outside)
            #expect(answer.values("location") == [sent])
            #expect(try instance.request("GET", "/hello-world?" + said).values("location") == [said])
        }
    }

    /// Some frameworks look for their routes in the whole path, root and all.
    @Test(arguments: ["falcon", "sanic"]) func theRootIsTakenOffForThoseThatDoNot(framework: String) throws {
        let package =
            Self.asgi + """

                class App:
                    async def __call__(self, scope, receive, send): await simple(scope, receive, send)
                """
        let code = "from \(framework) import App\napp = App()\n"
        let instance = try TestBundle(
            .python, files: ["function.py": code, "\(framework)/__init__.py": package]
        ).start()
        #expect(
            try instance.request("GET", "/hello-world/a", headers: Self.outside).text
                == "/invok/n/hello-world|/a|/a|192.0.2.7")
    }

    @Test func aMountOverridesWhatIsUsual() throws {
        let app = ["function.py": Self.wsgi + "\napp = simple\n"]
        let named = try TestBundle(.python, config: ["mount": "name"], files: app).start()
        #expect(
            try named.request("GET", "/hello-world/a", headers: Self.outside).text.hasPrefix("|/hello-world/a||"))
        let handler = [
            "function.py": "def handler(request): return '|'.join((request.path, request.sub_path, request.prefix))\n"
        ]
        let rooted = try TestBundle(.python, config: ["mount": "root"], files: handler).start()
        #expect(
            try rooted.request("GET", "/hello-world/a/b", headers: Self.outside).text
                == "/a/b|/a/b|/invok/n/hello-world")
        let usual = try TestBundle(.python, files: handler).start()
        #expect(try usual.request("GET", "/hello-world/a/b", headers: Self.outside).text == "/hello-world/a/b|/a/b|")
    }

    /// As an engine starts what was deployed before there were mounts.
    @Test func whatWasDeployedBeforeStaysAtItsName() throws {
        let bundle = try TestBundle(.python, files: ["function.py": Self.wsgi + "\napp = simple\n"])
        let instance = try bundle.start(environment: ["INVOK_MOUNT": "name"])
        #expect(try instance.request("GET", "/hello-world/a").text.hasPrefix("|/hello-world/a|"))
    }

    @Test func anApplicationHearsThatItsCallerHasGone() throws {
        let code = """
            import asyncio
            async def app(scope, receive, send):
                if scope["type"] == "lifespan": raise NotImplementedError
                assert (await receive())["type"] == "http.request"
                if scope["path"] == "/stream":
                    await send({"type": "http.response.start", "status": 200, "headers": []})
                    await send({"type": "http.response.body", "body": b"begun", "more_body": True})
                print("answering", scope["path"])
                print("heard", (await receive())["type"], scope["path"])
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        for path in ["/stream", "/silent"] {
            let request = Array("GET /hello-world\(path) HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
            _ = try instance.leave(request, when: { try instance.waitForOutput("answering \(path)") })
            try instance.waitForOutput("heard http.disconnect \(path)")
        }
        #expect(try instance.stop().status == 0)
    }

    @Test(arguments: ["def", "async def"]) func aStreamEndsWhenItsCallerHasGone(definition: String) throws {
        let isAsync = definition.hasPrefix("async")
        let code = """
            import asyncio, time
            def handler(request):
                return parts()
            \(definition) parts():
                try:
                    while True:
                        yield "part"
                        \(isAsync ? "await asyncio.sleep(60)" : "time.sleep(0.05)")
                finally:
                    print("closed")
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        let request = Array("GET /hello-world HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        _ = try instance.leave(request, after: "part")
        try instance.waitForOutput("closed")
        #expect(try instance.stop().status == 0)
    }

    @Test func aHandlerCanAskWhetherItsCallerIsThere() throws {
        let code = """
            import time
            def handler(request):
                print("there", request.is_disconnected())
                while not request.is_disconnected(): time.sleep(0.01)
                print("gone")
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        let request = Array("GET /hello-world HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        _ = try instance.leave(request, when: { try instance.waitForOutput("there False") })
        try instance.waitForOutput("gone")
    }

    /// What an application does behind its answer holds up neither its caller nor the next request of the connection.
    @Test func backgroundTasksHoldNobodyUp() throws {
        let code = """
            import asyncio
            release = asyncio.Event()
            async def app(scope, receive, send):
                if scope["type"] == "lifespan": raise NotImplementedError
                await send({"type": "http.response.start", "status": 200, "headers": []})
                await send({"type": "http.response.body", "body": b"answer", "more_body": True})
                await send({"type": "http.response.body", "body": b""})
                if scope["path"] == "/release": return release.set()
                await release.wait()
                print("went on:", (await receive())["type"])
                raise ValueError("behind the answer")
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        let first = "GET /hello-world HTTP/1.1\r\nHost: x\r\n\r\n"
        let second = "GET /hello-world/release HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        let one = try TestResponse(instance.exchange(Array((first + second).utf8)))
        #expect(try one.text == "answer" && TestResponse(one.rest).text == "answer")
        try instance.waitForOutput("went on: http.disconnect")
        try instance.waitForOutput("behind the answer")
        #expect(try instance.stop().status == 0)
    }

    @Test func theLifespanEndsWithTheInstance() throws {
        let code = """
            async def app(scope, receive, send):
                assert scope["type"] == "lifespan"
                while (message := await receive())["type"] != "lifespan.shutdown":
                    await send({"type": message["type"] + ".complete"})
                print("shut down")
                await send({"type": "lifespan.shutdown.complete"})
            """
        let instance = try TestBundle(.python, files: ["function.py": code]).start()
        #expect(try instance.request("GET", "/_invok/ready").status == 200)
        let end = try instance.stop()
        #expect(end.status == 0 && end.output.contains("shut down"))
    }
}
