import HTTPTypes
import Invok
import NIOCore
import TestSupport
import Testing

@testable import InvokProxy

@Suite(.timeLimit(.minutes(1)))
struct UnixSocketTransportTests {
    static let hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello"

    /// Sends a request and returns what came. Always shuts the transport down and sees that nothing is left open.
    private func exchange(
        _ server: TestServer, _ method: HTTPRequest.Method = .get, path: String = "/f", fields: HTTPFields = [:],
        body: any RequestBody = EmptyBody(), sink: RecordingSink = RecordingSink(),
        transport: UnixSocketTransport = UnixSocketTransport()
    ) async throws -> RecordingSink.Answer {
        let head = HTTPRequest(
            method: method, scheme: "http", authority: "example.com", path: path, headerFields: fields)
        try await transport.exchange(InvocationRequest(head: head, body: body), with: server.endpoint, sink: sink)
        return sink.value
    }

    private func error(
        from server: TestServer, _ method: HTTPRequest.Method = .get, path: String = "/f",
        body: any RequestBody = EmptyBody(), transport: UnixSocketTransport = UnixSocketTransport()
    ) async -> TransportError? {
        do {
            _ = try await exchange(server, method, path: path, body: body, transport: transport)
            return nil
        } catch {
            return error as? TransportError
        }
    }

    @Test func deliversHeadAndBodyAndKeepsTheConnection() async throws {
        try await TestServer.answering(Self.hello) { server in
            let transport = UnixSocketTransport()
            for _ in 0..<3 {
                let answer = try await exchange(server, transport: transport)
                #expect(answer.head?.status == .ok)
                #expect(answer.head?.headerFields[.init("x-a")!] == "b")
                #expect(answer.head?.headerFields[.contentLength] == "5")
                #expect(answer.body == Array("hello".utf8))
                #expect(answer.isFinished)
            }
            #expect(server.connections == 1)
            #expect(transport.connectionCounts == (1, 1))
            await transport.shutdown()
            #expect(transport.connectionCounts == (0, 0))
        }
    }

    @Test func sendsTheHeadWithoutHopByHopFields() async throws {
        let seen = AsyncStream<String>.makeStream()
        try await TestServer.run { connection in
            while let head = try await connection.head() {
                seen.continuation.yield(head)
                try await connection.write(Self.hello)
            }
        } body: { server in
            _ = try await exchange(
                server, .delete, path: "/f/a%20b?q=1&q=2",
                fields: [
                    .connection: "keep-alive, X-Private", .init("x-private")!: "1", .te: "trailers", .upgrade: "h2c",
                    .expect: "100-continue", .init("keep-alive")!: "5", .accept: "a", .cookie: "c=d", .userAgent: "u",
                ])
            var heads = seen.stream.makeAsyncIterator()
            let head = try #require(await heads.next())
            #expect(
                head.lowercased() == """
                    delete /f/a%20b?q=1&q=2 http/1.1\r
                    host: example.com\r
                    accept: a\r
                    cookie: c=d\r
                    user-agent: u\r
                    \r

                    """)
        }
    }

    @Test func stripsHopByHopFieldsOfTheAnswer() async throws {
        try await TestServer.answering(
            "HTTP/1.1 200 OK\r\nConnection: X-Secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\n"
                + "Transfer-Encoding: chunked\r\nX-Open: 2\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n"
        ) { server in
            let answer = try await exchange(server)
            let head = try #require(answer.head)
            #expect(head.headerFields.map(\.name.canonicalName) == ["x-open"])
            #expect(answer.body == Array("abc".utf8))
            #expect(answer.trailers?[.init("x-sum")!] == "9")
        }
    }

    @Test(arguments: [
        (HTTPRequest.Method.head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200),
        (.get, "HTTP/1.1 204 No Content\r\n\r\n", 204),
        (.get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304),
        (
            .get,
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
            404
        ),
    ])
    func answersWithoutABody(method: HTTPRequest.Method, bytes: String, status: Int) async throws {
        try await TestServer.answering(bytes) { server in
            let transport = UnixSocketTransport()
            for _ in 0..<2 {
                let answer = try await exchange(server, method, transport: transport)
                #expect(answer.head?.status.code == status)
                #expect(answer.body.isEmpty && answer.isFinished)
            }
            #expect(server.connections == 1)
            await transport.shutdown()
        }
    }

    @Test func anAnswerThatEndsWithItsConnectionIsWholeAndNotReused() async throws {
        try await TestServer.run { connection in
            _ = try await connection.head()
            try await connection.write("HTTP/1.0 200 OK\r\n\r\nold")
        } body: { server in
            let transport = UnixSocketTransport()
            for _ in 0..<2 {
                let answer = try await exchange(server, transport: transport)
                #expect(answer.body == Array("old".utf8) && answer.isFinished)
            }
            #expect(server.connections == 2)
            #expect(transport.connectionCounts.idle == 0)
        }
    }

    @Test(arguments: [nil, 300_000])
    func sendsTheBodyWithItsFraming(length: Int?) async throws {
        try await TestServer.run { connection in
            guard let head = try await connection.head()?.lowercased() else { return }
            if let length {
                #expect(head.contains("content-length: \(length)\r\n") && !head.contains("chunked"))
                let read = try await connection.skip(length)
                try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n\(read)")
            } else {
                #expect(head.contains("transfer-encoding: chunked\r\n") && !head.contains("content-length"))
                let text = try await connection.text(through: "\r\n0\r\n\r\n") ?? ""
                try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n\(text.utf8.count)")
            }
            try await connection.closed()
        } body: { server in
            let chunks = Array(repeating: [UInt8](repeating: 7, count: 100_000), count: 3)
            let transport = UnixSocketTransport()
            let answer = try await exchange(
                server, .post, fields: length.map { [.contentLength: "\($0)"] } ?? [:], body: ChunkedTestBody(chunks),
                transport: transport)
            // Three chunks with "186a0\r\n" and "\r\n" each, and "0\r\n\r\n".
            #expect(String(decoding: answer.body, as: UTF8.self) == (length == nil ? "300032" : "300000"))
            #expect(transport.connectionCounts == (1, 1))
            await transport.shutdown()
        }
    }

    @Test func aBodyOfAnotherLengthThanDeclaredIsNotEnded() async throws {
        for chunks in [[[UInt8]]([[1, 2]]), [[1, 2, 3], [4, 5]]] {
            try await TestServer.run { connection in
                _ = try await connection.head()
                try await connection.closed()
            } body: { server in
                await #expect(throws: TransportError.clientGone) {
                    _ = try await exchange(
                        server, .post, fields: [.contentLength: "4"], body: ChunkedTestBody(chunks))
                }
            }
        }
    }

    @Test func streamsBothWaysAtTheSameTime() async throws {
        try await TestServer.run { connection in
            _ = try await connection.head()
            try await connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while let text = try await connection.text(through: "\r\n1\r\n.\r\n") {
                _ = text
                try await connection.write("2\r\nok\r\n")
            }
        } body: { server in
            let body = StreamedTestBody()
            let sink = RecordingSink()
            let transport = UnixSocketTransport()
            let running = Task { try await exchange(server, .post, body: body, sink: sink, transport: transport) }
            for count in 1...3 {
                body.continuation.yield([0x41])
                body.continuation.yield([0x2E])
                await sink.wait { $0.chunks >= count }
            }
            body.continuation.finish(throwing: StreamedTestBody.Gone())
            await #expect(throws: TransportError.clientGone) { _ = try await running.value }
            #expect(sink.text == "okokok")
            #expect(!sink.value.isFinished)
            await transport.shutdown()
        }
    }

    @Test func anEarlyAnswerIsDeliveredAndEndsTheRequest() async throws {
        try await TestServer.run { connection in
            _ = try await connection.head()
            try await connection.write("HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch")
            try await connection.closed()
        } body: { server in
            // One body that never goes on, and one that is much larger than all buffers.
            let endless = ChunkedTestBody(Array(repeating: [UInt8](repeating: 1, count: 1 << 20), count: 64))
            for body in [StreamedTestBody(), endless] as [any RequestBody] {
                let transport = UnixSocketTransport()
                let answer = try await exchange(server, .post, body: body, transport: transport)
                #expect(answer.head?.status.code == 413 && answer.body == Array("much".utf8) && answer.isFinished)
                #expect(transport.connectionCounts.idle == 0)
                await transport.shutdown()
            }
            #expect(endless.takenChunks < 64)
        }
    }

    @Test func anEarlyAnswerFollowedByACloseIsDelivered() async throws {
        try await TestServer.run { connection in
            _ = try await connection.head()
            try await connection.write("HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\n\r\nmuch")
        } body: { server in
            for _ in 0..<50 {
                let body = ChunkedTestBody(Array(repeating: [UInt8](repeating: 1, count: 1 << 16), count: 64))
                let answer = try await exchange(server, .post, body: body)
                #expect(answer.body == Array("much".utf8) && answer.isFinished)
            }
        }
    }

    @Test func aSlowClientHoldsTheFunctionBack() async throws {
        let written = Counter()
        try await TestServer.run { connection in
            _ = try await connection.head()
            try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(64 << 20)\r\n\r\n")
            for _ in 0..<64 {
                try await connection.write([UInt8](repeating: 1, count: 1 << 20))
                written.increment()
            }
            try await connection.closed()
        } body: { server in
            let gate = AsyncStream<Void>.makeStream()
            let sink = RecordingSink(gate: { for await _ in gate.stream { return } })
            let transport = UnixSocketTransport()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await self.exchange(server, sink: sink, transport: transport) }
                await sink.wait { $0.chunks >= 1 }
                // The client has taken one chunk and waits. What the function can have written is what fits into the
                // socket, the transport and the test server, far below all.
                for _ in 0..<1000 { await Task.yield() }
                #expect(written.value < 16)
                gate.continuation.finish()
                try await group.waitForAll()
            }
            #expect(sink.value.body.count == 64 << 20)
            await transport.shutdown()
        }
    }

    @Test(arguments: [
        "nonsense\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Enc",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: \(String(repeating: "a", count: 70_000))\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\(String(repeating: "X: a\r\n", count: 300))\r\n",
        "",
    ])
    func nonsenseAndDeathAreBroken(bytes: String) async throws {
        try await TestServer.run { connection in
            _ = try await connection.head()
            try await connection.write(bytes)
        } body: { server in
            let transport = UnixSocketTransport()
            guard case .broken = await error(from: server, transport: transport) else {
                Issue.record("expected a broken exchange")
                return
            }
            #expect(server.connections == 1)
            #expect(transport.connectionCounts.idle == 0)
            await transport.shutdown()
        }
    }

    @Test func nobodyThereIsRefused() async throws {
        let transport = UnixSocketTransport()
        let request = InvocationRequest(
            head: HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/"), body: EmptyBody())
        do throws(TransportError) {
            try await transport.exchange(request, with: .unixSocket("/tmp/invok-none.sock"), sink: RecordingSink())
            Issue.record("expected a refusal")
        } catch {
            guard case .refused = error else {
                Issue.record("expected a refusal, got \(error)")
                return
            }
        }
        #expect(transport.connectionCounts == (0, 0))
    }

    @Test func aPathThatDoesNotFitARequestLineIsMalformed() async throws {
        try await TestServer.answering(Self.hello) { server in
            for path in ["/a b", "a"] {
                guard case .malformed = await error(from: server, path: path) else {
                    Issue.record("\(path) is not the instance's fault")
                    return
                }
            }
            #expect(server.connections == 0)
        }
    }

    @Test func cancellationEndsTheExchange() async throws {
        try await TestServer.run { connection in
            _ = try await connection.head()
            try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort")
            try await connection.closed()
        } body: { server in
            for body in [EmptyBody(), StreamedTestBody()] as [any RequestBody] {
                let transport = UnixSocketTransport()
                let sink = RecordingSink()
                let running = Task { try await exchange(server, .post, body: body, sink: sink, transport: transport) }
                await sink.wait { $0.chunks > 0 }
                running.cancel()
                await #expect(throws: TransportError.cancelled) { _ = try await running.value }
                await transport.shutdown()
                #expect(transport.connectionCounts == (0, 0))
            }
        }
    }

    @Test func aClientThatCannotBeWrittenToIsGone() async throws {
        try await TestServer.answering(Self.hello) { server in
            let transport = UnixSocketTransport()
            await #expect(throws: TransportError.clientGone) {
                _ = try await exchange(
                    server, sink: RecordingSink(gate: { throw StreamedTestBody.Gone() }), transport: transport)
            }
            #expect(transport.connectionCounts.idle == 0)
            await transport.shutdown()
        }
    }
}
