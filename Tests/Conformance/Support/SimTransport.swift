import HTTPTypes
import Invok
import InvokSim
import InvokSimulation
import Synchronization
import Testing

/// In process, to a simulated core: no sockets, and no HTTP but its meaning.
struct SimTransport: Transport {
    /// The answer broke off, or there was no core.
    struct Broken: Error {}

    let site: SimSite

    func send(_ call: Call) async throws -> Answer {
        let sink = Collector()
        switch await site.exchange(try head(call), body: call.body ?? [], sink: sink) {
        case .whole: return try #require(sink.answer)
        case .cutOff: throw Broken()
        case .hungUp: throw CancellationError()
        }
    }

    func tunnel(_ call: Call) async throws -> Answer {
        var head = try head(call)
        head.headerFields[.contentLength] = nil
        let sink = Collector()
        guard case .whole = await site.exchange(head, body: call.body ?? [], sink: sink) else { throw Broken() }
        let answer = try #require(sink.answer)
        try #require(answer.status == 101)
        return answer
    }

    func lines(_ call: Call) async throws -> AsyncThrowingStream<String, any Error> {
        let head = try head(call)
        return AsyncThrowingStream { continuation in
            let lines = Mutex(Lines())
            let sink = Collector { piece in
                for line in lines.withLock({ $0.add(piece) }) { continuation.yield(line) }
            }
            let task = Task {
                let end = await site.exchange(head, body: [], sink: sink)
                if sink.answer?.status != 200 || end == .cutOff {
                    continuation.finish(throwing: Broken())
                } else {
                    continuation.finish()
                }
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func head(_ call: Call) throws -> HTTPRequest {
        let method = try #require(HTTPRequest.Method(rawValue: call.method))
        var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: call.path)
        for (name, value) in call.headers {
            head.headerFields.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value))
        }
        if let body = call.body { head.headerFields[.contentLength] = String(body.count) }
        return head
    }
}

/// Takes an answer and shows it as it comes.
private final class Collector: ResponseSink {
    private struct State {
        var head: HTTPResponse?
        var body: [UInt8] = []
    }

    private let state = Mutex(State())
    private let show: (@Sendable (String) -> Void)?

    init(show: (@Sendable (String) -> Void)? = nil) { self.show = show }

    var answer: Answer? {
        state.withLock { state in
            guard let head = state.head else { return nil }
            return Answer(
                status: head.status.code, headers: head.headerFields.map { ($0.name.rawName, $0.value) },
                body: state.body)
        }
    }

    func writeHead(_ head: HTTPResponse) async throws { state.withLock { $0.head = head } }

    func writeChunk(_ bytes: [UInt8]) async throws {
        state.withLock { $0.body += bytes }
        show?(String(decoding: bytes, as: UTF8.self))
    }

    func finish(trailers: HTTPFields?) async throws {}
}
