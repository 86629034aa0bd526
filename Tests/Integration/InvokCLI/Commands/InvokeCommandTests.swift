import NIOHTTP1
import Testing

@testable import InvokCLI

@Suite struct InvokeCommandTests {
    @Test func bytesPassAsTheyAre() async throws {
        let bytes = (0...255).map(UInt8.init) + [0x1B, 0x5B, 0x41]
        try await StubServer.with({ _ in .init(type: "image/png", bytes: bytes) }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            let outcome = try await sandbox.run("invoke", "-n", "a")
            #expect(outcome.bytes == bytes)
            #expect(outcome.errors.isEmpty)
        }
    }

    @Test func sendsWhatWasTyped() async throws {
        try await StubServer.with({ _ in .init("ok") }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            try sandbox.write("body.bin", "abc")
            _ = try await sandbox.run(
                "invoke", "-n", "a", "-X", "PUT", "-H", "X-A: 1", "-d", "@\(sandbox.directory)/body.bin", "/sub?q=1")
            var requests = server.requests.makeAsyncIterator()
            let request = try #require(await requests.next())
            #expect(request.method == "PUT")
            #expect(request.uri == "/invok/\(namespace)/a/sub?q=1")
            #expect(request.text == "abc")
            #expect(request.headers.first(name: "X-A") == "1")
            #expect(request.headers.first(name: "Content-Length") == "3")
            #expect(request.headers["Authorization"] == ["Bearer secret-token"])
        }
    }

    @Test func anErrorOfTheFunctionIsItsAnswer() async throws {
        try await StubServer.with({ _ in .init(404, type: "text/plain", "not here") }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            let outcome = try await sandbox.run("invoke", "-n", "a")
            #expect(outcome.output == "not here")
            #expect(outcome.errors == "404 Not Found\n")
            #expect(outcome.status == .failure)
            let included = try await sandbox.run("invoke", "-n", "a", "-i")
            #expect(included.output.hasPrefix("HTTP/1.1 404 Not Found\n"))
            #expect(included.output.hasSuffix("\n\nnot here"))
        }
    }

    @Test func anErrorOfThePlatformIsExplained() async throws {
        try await StubServer.with({ _ in .problem(502, "function_failed", "the function failed") }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            let outcome = try await sandbox.run("invoke", "-n", "a")
            #expect(outcome.output.isEmpty)
            #expect(outcome.errors.contains("Next: see what it printed with 'invok logs -n a'\nRequest: r1"))
        }
    }

    @Test func followsNoRedirectWithTheToken() async throws {
        try await StubServer.with({ _ in
            var answer = StubServer.Answer(302, "")
            answer.headers.append(("Location", "http://127.0.0.1:1/"))
            return answer
        }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            let outcome = try await sandbox.run("invoke", "-n", "a")
            #expect(outcome.status == .success)
            #expect(outcome.errors == "302 Found\n")
        }
    }

    @Test func suggestsTheFunctionThatWasMeant() async throws {
        try await StubServer.with({ request in
            request.uri.hasPrefix("/api/v1/functions?")
                ? .init("[\(functionJSON("hello"))]") : .problem(404, "not_found", "there is no such function")
        }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            for verb in [["invoke"], ["logs"], ["versions"], ["rollback"], ["delete", "--yes"]] {
                let outcome = try await sandbox.run(verb: verb + ["-n", "helo"])
                #expect(outcome.errors.contains("there is no function 'helo'"), "\(verb)")
                #expect(outcome.errors.contains("did you mean '-n hello'?"), "\(verb)")
                #expect(outcome.status == .failure)
            }
        }
    }
}
