import HTTPTypes
import Invok
import Synchronization

/// A client's end of an answer: it takes one head, the body, and one end, in this order.
final class SimSink: ResponseSink {
    private struct State {
        var head: HTTPResponse?
        var body: [UInt8] = []
        var isFinished = false
        var problems: [String] = []
    }

    private let state = Mutex(State())

    var head: HTTPResponse? { state.withLock { $0.head } }
    var body: [UInt8] { state.withLock { $0.body } }
    var text: String { String(decoding: body, as: UTF8.self) }
    var isFinished: Bool { state.withLock { $0.isFinished } }
    /// What was wrong with the order.
    var problems: [String] { state.withLock { $0.problems } }

    func field(_ name: String) -> String? {
        HTTPField.Name(name).flatMap { head?.headerFields[$0] }
    }

    /// Forgets an answer that came instead of the one that was asked for.
    func forget() {
        state.withLock { state in
            state.head = nil
            state.body = []
        }
    }

    func writeHead(_ head: HTTPResponse) async throws {
        state.withLock { state in
            if state.head != nil { state.problems.append("two heads") }
            state.head = head
        }
    }

    func writeChunk(_ bytes: [UInt8]) async throws {
        state.withLock { state in
            if state.head == nil || state.isFinished { state.problems.append("a chunk out of place") }
            state.body += bytes
        }
    }

    func finish(trailers: HTTPFields?) async throws {
        state.withLock { state in
            if state.head == nil || state.isFinished { state.problems.append("an end out of place") }
            state.isFinished = true
        }
    }
}
