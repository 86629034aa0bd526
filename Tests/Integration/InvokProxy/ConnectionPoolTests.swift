import HTTPTypes
import Invok
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import InvokProxy

@Suite(.timeLimit(.minutes(1)))
struct ConnectionPoolTests {
    private func get(
        _ transport: UnixSocketTransport, _ server: TestServer, _ method: HTTPRequest.Method = .get,
        body: any RequestBody = EmptyBody()
    ) async throws -> String {
        let sink = RecordingSink()
        let head = HTTPRequest(method: method, scheme: "http", authority: "a", path: "/f")
        try await transport.exchange(InvocationRequest(head: head, body: body), with: server.endpoint, sink: sink)
        return sink.text
    }

    private func expectHello(_ transport: UnixSocketTransport, _ server: TestServer) async throws {
        let text = try await get(transport, server)
        #expect(text == "hello")
    }

    /// A server whose connections answer one request and close when they see the second.
    private func closingOnReuse<Value: Sendable>(_ body: (TestServer) async throws -> Value) async throws -> Value {
        try await TestServer.run { connection in
            _ = try await connection.head()
            try await connection.write(UnixSocketTransportTests.hello)
            _ = try await connection.head()
        } body: {
            try await body($0)
        }
    }

    @Test func aReusedConnectionThatClosesUnansweredIsReplacedOnce() async throws {
        try await closingOnReuse { server in
            let transport = UnixSocketTransport()
            try await expectHello(transport, server)
            try await expectHello(transport, server)
            #expect(server.connections == 2)
            await transport.shutdown()
        }
    }

    @Test func whatMayHaveBeenDoneIsNotDoneTwice() async throws {
        for body in [EmptyBody(), ChunkedTestBody([[1]])] as [any RequestBody] {
            try await closingOnReuse { server in
                let transport = UnixSocketTransport()
                try await expectHello(transport, server)
                do {
                    _ = try await get(transport, server, .post, body: body)
                    Issue.record("expected a broken exchange")
                } catch {
                    guard case .broken = error as? TransportError else { throw error }
                }
                #expect(server.connections == 1)
                await transport.shutdown()
            }
        }
    }

    @Test func bytesThatNobodyAskedForCloseAnIdleConnection() async throws {
        let more = AsyncStream<Void>.makeStream()
        try await TestServer.run { connection in
            _ = try await connection.head()
            try await connection.write(UnixSocketTransportTests.hello)
            for await _ in more.stream { break }
            try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            try await connection.closed()
            more.continuation.finish()
        } body: { server in
            let transport = UnixSocketTransport()
            try await expectHello(transport, server)
            more.continuation.yield()
            while transport.connectionCounts.open > 0 { await Task.yield() }
            #expect(transport.connectionCounts.idle == 0)
        }
    }

    @Test func idleConnectionsAreBoundedAndExpire() async throws {
        let waiting = Counter()
        let go = Mutex<[CheckedContinuation<Void, Never>]>([])
        try await TestServer.run { connection in
            while try await connection.head() != nil {
                // All four are answered together, so that there are four connections.
                await withCheckedContinuation { continuation in
                    let all = go.withLock { kept in
                        kept.append(continuation)
                        return kept.count == 4 ? kept : []
                    }
                    waiting.increment()
                    for continuation in all { continuation.resume() }
                }
                try await connection.write(UnixSocketTransportTests.hello)
            }
        } body: { server in
            let transport = UnixSocketTransport(
                settings: TransportSettings(idlePerEndpoint: 2, idleExpiry: .milliseconds(50)))
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<4 { group.addTask { try await self.get(transport, server) } }
                for try await text in group { #expect(text == "hello") }
            }
            #expect(server.connections == 4)
            #expect(transport.connectionCounts.idle <= 2)
            while transport.connectionCounts.open > 0 { await Task.yield() }
            #expect(transport.connectionCounts.idle == 0)
        }
    }

    @Test func manyAtOnceShareConnectionsAndLeaveNone() async throws {
        try await TestServer.run { connection in
            while let head = try await connection.head() {
                guard head.hasPrefix("POST") else { return }
                let text = try await connection.text(through: "0\r\n\r\n") ?? ""
                // A line end is one character. "1\r\nA\r\n0\r\n\r\n": each request has a letter of its own and gets it back.
                let letter = text.dropFirst(2).prefix(1)
                try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\(letter)")
            }
        } body: { server in
            let transport = UnixSocketTransport()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<16 {
                    group.addTask {
                        for round in 0..<50 {
                            let letter = UInt8(0x41 + (worker * 7 + round) % 26)
                            let text = try await self.get(transport, server, .post, body: ChunkedTestBody([[letter]]))
                            #expect(Array(text.utf8) == [letter])
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(server.connections <= 16)
            #expect(transport.connectionCounts.open == transport.connectionCounts.idle)
            await transport.shutdown()
            #expect(transport.connectionCounts == (0, 0))
        }
    }

    @Test func afterShutdownNothingIsOpened() async throws {
        try await TestServer.answering(UnixSocketTransportTests.hello) { server in
            let transport = UnixSocketTransport()
            await transport.shutdown()
            do {
                _ = try await get(transport, server)
                Issue.record("expected a refusal")
            } catch {
                guard case .refused = error as? TransportError else { throw error }
            }
            #expect(transport.connectionCounts == (0, 0))
        }
    }
}
