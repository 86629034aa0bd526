import HTTPTypes
import Invok
import Synchronization
import TestSupport
import Testing

@testable import InvokSim

struct SimConnectionTests {
    private final class Told: Sendable {
        let count = Mutex(0)
        func tell() { count.withLock { $0 += 1 } }
    }

    private let sink = RecordingSink()

    private func connection(_ method: HTTPRequest.Method = .get) -> SimConnection {
        SimConnection(for: method, sink: sink)
    }

    @Test func passesAWholeAnswerOn() async throws {
        let (connection, told) = (connection(), Told())
        connection.whenClientGoes { told.tell() }
        try await connection.writeHead(HTTPResponse(status: .ok))
        try await connection.writeChunk([1])
        #expect(connection.end == nil)
        try await connection.finish(trailers: nil)
        connection.close()
        #expect(connection.end == .whole)
        #expect(sink.body == [1])
        #expect(told.count.withLock { $0 } == 0, "an answer that is whole needs no word of its client")
    }

    @Test(arguments: [(HTTPRequest.Method.head, 200), (.get, 204), (.get, 304)])
    func someAnswersHaveNoBody(method: HTTPRequest.Method, status: Int) async throws {
        let connection = connection(method)
        try await connection.writeHead(HTTPResponse(status: HTTPResponse.Status(code: status)))
        try await connection.writeChunk([1])
        try await connection.finish(trailers: nil)
        #expect(sink.body.isEmpty)
        #expect(connection.end == .whole)
    }

    @Test func aSlowClientSendsAndTakesSlowly() async throws {
        let clock = SimClock()
        let pace = SimConnection.Pace(pieceBytes: 2, pause: .seconds(1), clock: clock)
        let connection = SimConnection(for: .get, sink: sink, pace: pace)
        #expect(connection.pieceBytes == 2)
        let exchange = Task {
            try await connection.waitForPiece()
            try await connection.writeHead(HTTPResponse(status: .ok))
            try await connection.writeChunk([1])
            try await connection.finish(trailers: nil)
            return clock.now()
        }
        while connection.end == nil {
            clock.advanceToNextTimer()
            await Task.yield()
        }
        #expect(try await exchange.value == Instant(nanoseconds: 2_000_000_000))
        #expect(sink.body == [1])
    }

    @Test func whatIsClosedTakesNothing() async throws {
        let (connection, told) = (connection(), Told())
        connection.whenClientGoes { told.tell() }
        try await connection.writeHead(HTTPResponse(status: .ok))
        connection.close()
        #expect(connection.end == .cutOff)
        await #expect(throws: SimConnection.Closed.self) { try await connection.writeChunk([1]) }
        await #expect(throws: SimConnection.Closed.self) { try await connection.finish(trailers: nil) }
        connection.whenClientGoes { told.tell() }
        #expect(told.count.withLock { $0 } == 2, "before and after")
    }
}
