import Hummingbird
import Invok
import NIOCore
import Synchronization

/// Hands a request's body from its connection to whoever reads it.
///
/// One task alone reads the connection, in the scope of the request: the server reads on from there only when that task
/// has ended, and two readers at a time would trap. Cancelling who waits here does not cancel that read, which would end
/// the connection, so that an answer that comes early can still be delivered on it.
final class RequestBodyFeed: Invok.RequestBody {
    private enum End {
        case whole
        case failed(any Error)
    }

    private struct State {
        /// A chunk whose reader was cancelled while it came.
        var kept: [UInt8]?
        var end: End?
        var reader: CheckedContinuation<[UInt8]?, any Error>?
        var feeder: CheckedContinuation<Void, Never>?
        var isWanted = false
        var wasAskedFor = false
        var discardBytes: Int?
    }

    private let state = Mutex(State())
    private let onFirstRead: @Sendable () -> Void

    /// - Parameter onFirstRead: called when the body is first asked for: the time to tell a client that waits to go on.
    init(onFirstRead: @escaping @Sendable () -> Void) {
        self.onFirstRead = onFirstRead
    }

    var isEmpty: Bool { false }

    /// Whether the connection has given all that it will.
    var hasEnded: Bool { state.withLock { $0.end != nil } }

    // MARK: The reader

    func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { reader in ask(reader) }
        } onCancel: {
            let reader = state.withLock { $0.reader.take() }
            reader?.resume(throwing: CancellationError())
        }
    }

    private enum Asked {
        case answered(Result<[UInt8]?, any Error>)
        case waiting(CheckedContinuation<Void, Never>?, isFirst: Bool)
    }

    private func ask(_ reader: CheckedContinuation<[UInt8]?, any Error>) {
        let asked = state.withLock { state -> Asked in
            if Task.isCancelled { return .answered(.failure(CancellationError())) }
            if let kept = state.kept.take() { return .answered(.success(kept)) }
            switch state.end {
            case .whole: return .answered(.success(nil))
            case .failed(let error): return .answered(.failure(error))
            case nil: break
            }
            defer { state.wasAskedFor = true }
            state.reader = reader
            state.isWanted = true
            return .waiting(state.feeder.take(), isFirst: !state.wasAskedFor)
        }
        switch asked {
        case .answered(let result): reader.resume(with: result)
        case .waiting(let feeder, let isFirst):
            if isFirst { onFirstRead() }
            feeder?.resume()
        }
    }

    /// Nobody reads any more: the rest is read and dropped, so that the connection may go on.
    /// - Parameter bytes: no more than so many.
    func discardRest(upTo bytes: Int) {
        let feeder = state.withLock { state in
            state.discardBytes = bytes
            return state.feeder.take()
        }
        feeder?.resume()
    }

    // MARK: The connection

    /// Reads the body until its end, as it is asked for.
    /// - Returns: whether the end was reached.
    func run(_ body: Hummingbird.RequestBody) async -> Bool {
        var iterator = body.makeAsyncIterator()
        do {
            while await isMoreWanted() {
                guard let buffer = try await iterator.next() else {
                    finish(.whole)
                    return true
                }
                deliver(buffer)
            }
        } catch {
            finish(.failed(error))
        }
        return false
    }

    private func isMoreWanted() async -> Bool {
        await withCheckedContinuation { feeder in
            let goesOn = state.withLock { state in
                if state.isWanted || state.discardBytes != nil { return true }
                state.feeder = feeder
                return false
            }
            if goesOn { feeder.resume() }
        }
        return state.withLock { state in
            state.isWanted = false
            return state.discardBytes ?? 0 >= 0
        }
    }

    private func deliver(_ buffer: ByteBuffer) {
        let reader = state.withLock { state -> CheckedContinuation<[UInt8]?, any Error>? in
            if let left = state.discardBytes {
                state.discardBytes = left - buffer.readableBytes
                return nil
            }
            if state.reader == nil { state.kept = Array(buffer.readableBytesView) }
            return state.reader.take()
        }
        reader?.resume(returning: Array(buffer.readableBytesView))
    }

    private func finish(_ end: End) {
        let reader = state.withLock { state in
            state.end = end
            return state.reader.take()
        }
        switch end {
        case .whole: reader?.resume(returning: nil)
        case .failed(let error): reader?.resume(throwing: error)
        }
    }
}

/// The same as a sequence, for the routes of the API.
struct RequestBodyChunks: AsyncSequence, Sendable {
    let body: RequestBodyFeed

    struct AsyncIterator: AsyncIteratorProtocol {
        let body: RequestBodyFeed

        mutating func next() async throws -> ByteBuffer? {
            do {
                return try await body.next().map { ByteBuffer(bytes: $0) }
            } catch {
                throw InvokError.invalidRequest("the body of the request broke off")
            }
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(body: body) }
}
