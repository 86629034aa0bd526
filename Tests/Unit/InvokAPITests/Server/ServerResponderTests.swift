import HTTPTypes
import Hummingbird
import Invok
import InvokSim
import Logging
import NIOCore
import Synchronization
import Testing

@testable import InvokAPI

struct ServerResponderTests {
    /// A connection whose client sends a body that does not end.
    private final class EndlessConnection: ClientConnection {
        private let (pieces, continuation) = AsyncStream.makeStream(of: ByteBuffer.self)
        private let state = Mutex<(status: Int?, isWhole: Bool, isClosed: Bool)>((nil, false, false))

        var body: Hummingbird.RequestBody { Hummingbird.RequestBody(asyncSequence: pieces) }
        var status: Int? { state.withLock { $0.status } }
        var isWhole: Bool { state.withLock { $0.isWhole } }
        var isClosed: Bool { state.withLock { $0.isClosed } }

        let client = "192.0.2.1"
        func sendContinue() {}
        func whenClientGoes(_ tell: @escaping @Sendable () -> Void) {}

        func close() {
            state.withLock { $0.isClosed = true }
            continuation.finish()
        }

        func writeHead(_ head: HTTPResponse) async throws { state.withLock { $0.status = head.status.code } }
        func writeChunk(_ bytes: [UInt8]) async throws {}
        func finish(trailers: HTTPFields?) async throws { state.withLock { $0.isWhole = true } }
    }

    @Test func aBodyThatNobodyWantsIsReadForALimitedTime() async throws {
        let sim = SimWorld(seed: 1)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let responder = ServerResponder(
            system: InvokSystem(world: sim.world, logger: logger),
            configuration: ServerConfiguration(lingerTime: .seconds(5)), logger: logger)
        var head = HTTPRequest(method: .post, scheme: "http", authority: "localhost", path: "/nothing")
        head.headerFields[.contentLength] = "10"
        let connection = EndlessConnection()
        let request = Request(head: head, body: connection.body)
        async let response: Void = responder.respond(to: request, on: connection)
        await sim.clock.waitForSleepers()
        #expect(connection.status == 404 && connection.isWhole)
        #expect(!connection.isClosed, "the rest of the body may still come")
        sim.clock.advance(by: .seconds(5))
        try await response
        #expect(connection.isClosed)
        #expect(sim.clock.sleeperCount == 0)
    }
}
