import HTTPTypes
import Invok
import TestSupport
import Testing

@testable import InvokProxy

/// What becomes of an exchange that nobody waits for any more.
@Suite(.timeLimit(.minutes(1)))
struct CutShortExchangeTests {
    private static let request = InvocationRequest(
        head: HTTPRequest(method: .get, scheme: nil, authority: "x", path: "/"), body: EmptyBody())

    /// Begins an exchange, waits until the function has its request, and cancels.
    private func cutShort(
        _ server: TestServer, transport: UnixSocketTransport, hasRequest: AsyncStream<Void>,
        _ workEnded: @escaping @Sendable () -> Void
    ) async {
        let running = Task {
            try await transport.exchange(
                Self.request, with: server.endpoint, sink: RecordingSink(), workEnded: workEnded)
        }
        for await _ in hasRequest { break }
        running.cancel()
        await #expect(throws: TransportError.cancelled) { try await running.value }
    }

    /// What a function does that does not look whether somebody waits: `answers` says how it ends.
    @Test(arguments: [true, false])
    func theEndOfTheInstancesWorkIsToldAfterACancellation(answers: Bool) async throws {
        let (began, has) = AsyncStream.makeStream(of: Void.self)
        let (over, end) = AsyncStream.makeStream(of: Void.self)
        let ended = Counter()
        let (told, tell) = AsyncStream.makeStream(of: Void.self)
        try await TestServer.run { connection in
            _ = try await connection.head()
            has.yield()
            for await _ in over { break }
            if answers { try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello") }
        } body: { server in
            let transport = UnixSocketTransport()
            await cutShort(server, transport: transport, hasRequest: began) {
                ended.increment()
                tell.yield()
            }
            // The function has not done anything yet: an exchange with somebody else takes far longer than its word.
            try await TestServer.answering(UnixSocketTransportTests.hello) { other in
                try await transport.exchange(Self.request, with: other.endpoint, sink: RecordingSink())
            }
            #expect(ended.value == 0)
            end.yield()
            for await _ in told { break }
            #expect(ended.value == 1)
            #expect(transport.connectionCounts.idle <= 1, "what was cut short is not used again")
            await transport.shutdown()
        }
    }

    /// The instance is told, so that one that looks can stop.
    @Test func theInstanceSeesTheEndOfWhatIsCutShort() async throws {
        let (began, has) = AsyncStream.makeStream(of: Void.self)
        let (told, tell) = AsyncStream.makeStream(of: Void.self)
        try await TestServer.run { connection in
            _ = try await connection.head()
            has.yield()
            try await connection.closed()
        } body: { server in
            let transport = UnixSocketTransport()
            await cutShort(server, transport: transport, hasRequest: began) { tell.yield() }
            for await _ in told { break }
            await transport.shutdown()
        }
    }

    /// One that goes on sending finds its connection closed, at once when its answer had begun.
    @Test(arguments: [true, false])
    func whoeverSendsWithoutEndForNobodyIsStopped(hasBegun: Bool) async throws {
        let (began, has) = AsyncStream.makeStream(of: Void.self)
        let (told, tell) = AsyncStream.makeStream(of: Void.self)
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        try await TestServer.run { connection in
            _ = try await connection.head()
            if hasBegun { try await connection.write(head) }
            has.yield()
            try await connection.closed()
            if !hasBegun { try await connection.write(head) }
            while true { try await connection.write("400\r\n\(String(repeating: "x", count: 1024))\r\n") }
        } body: { server in
            let transport = UnixSocketTransport()
            await cutShort(server, transport: transport, hasRequest: began) { tell.yield() }
            for await _ in told { break }
            await transport.shutdown()
        }
    }

    @Test func whatIsNotCutShortTellsNothing() async throws {
        try await TestServer.answering(UnixSocketTransportTests.hello) { server in
            let (transport, ended) = (UnixSocketTransport(), Counter())
            try await transport.exchange(Self.request, with: server.endpoint, sink: RecordingSink()) {
                ended.increment()
            }
            await transport.shutdown()
            #expect(ended.value == 0)
        }
    }
}
