import HTTPTypes
import Invok
import NIOCore
import Synchronization

/// One request and its answer, on one connection or, when the first was closed unanswered, on a second.
final class Exchange: Sendable {
    /// What decides whether the exchange may be tried again.
    private struct Progress {
        /// The head was given to the system; the function may have acted on it.
        var wasSent = false
        /// Something of the body was taken; it cannot be taken again.
        var bodyTouched = false
        /// The connection was closed without a byte of an answer.
        var closedUnanswered = false
    }

    /// How the sending of a request's body ended.
    private enum Sending {
        case ended
        /// The function does not take it, or the exchange was ended.
        case stopped
        case clientGone
    }

    private let request: InvocationRequest
    private let writer: RequestWriter
    private let sink: any ResponseSink
    private let progress = Mutex(Progress())

    init(request: InvocationRequest, writer: RequestWriter, sink: any ResponseSink) {
        self.request = request
        self.writer = writer
        self.sink = sink
    }

    var wasSent: Bool { progress.withLock { $0.wasSent } }

    /// Whether the exchange may be tried on a second connection: the instance may have closed the first for being idle
    /// just as it was taken. Whether it had begun to act cannot be told, so what was sent must bear being done twice.
    var mayBeRepeated: Bool {
        progress.withLock { progress in
            if !progress.wasSent { return true }
            return progress.closedUnanswered && !progress.bodyTouched && request.isIdempotent
        }
    }

    /// Runs to the end of the answer. Abandoning the connection is what ends every wait in here, so cancellation does that.
    /// - Returns: whether the connection may carry another exchange.
    func run(on connection: InstanceConnection) async throws(TransportError) -> Bool {
        let result = await withTaskCancellationHandler {
            await self.result(on: connection)
        } onCancel: {
            connection.abandon()
        }
        if case .failure = result, Task.isCancelled { throw .cancelled }
        return try result.get()
    }

    private func result(on connection: InstanceConnection) async -> Result<Bool, TransportError> {
        do {
            try await connection.begin(writer, isHeadRequest: request.head.method == .head)
        } catch {
            return .failure(wasSent ? .broken("\(error)") : .refused("\(error)"))
        }
        progress.withLock { $0.wasSent = true }
        guard writer.upgrade == nil else { return await tunnel(on: connection) }
        guard !request.body.isEmpty else { return await deliver(from: connection) }

        return await withTaskGroup(of: Sending.self) { group in
            group.addTask { await self.sendBody(on: connection) }
            let delivered = await self.deliver(from: connection)
            if delivered != .success(true) {
                // The function has said what it had to say, or failed; the rest of the body is not wanted. Closing ends
                // a write that waits, cancelling a read that waits.
                if delivered == .failure(.clientGone) { connection.abandon() } else { connection.close() }
                group.cancelAll()
            }
            let sending = await group.next()
            if case .failure = delivered, sending == .clientGone { return .failure(.clientGone) }
            return delivered
        }
    }

    // MARK: The tunnel

    /// Where the function takes the upgrade, passes bytes both ways until both sides have ended their sending, or the
    /// instance has gone.
    private func tunnel(on connection: InstanceConnection) async -> Result<Bool, TransportError> {
        await withTaskGroup(of: Sending.self) { group in
            var isTunnel = false
            let delivered = await deliver(from: connection) {
                isTunnel = true
                group.addTask { await self.sendTunnel(on: connection) }
            }
            guard isTunnel else { return delivered }
            guard case .success = delivered else {
                connection.close()
                group.cancelAll()
                return await group.next() == .clientGone ? .failure(.clientGone) : delivered
            }
            group.addTask {
                await connection.closed()
                return .stopped
            }
            _ = await group.next()
            connection.closeTunnel()
            await connection.closed()
            group.cancelAll()
            return delivered
        }
    }

    private func sendTunnel(on connection: InstanceConnection) async -> Sending {
        while true {
            let bytes: [UInt8]?
            do {
                bytes = try await request.body.next()
            } catch {
                return abandon(connection)
            }
            do {
                guard let bytes else {
                    try await connection.endOutput()
                    return .ended
                }
                try await connection.send(bytes)
            } catch {
                // The instance has gone, which whoever reads from it sees.
                return .stopped
            }
        }
    }

    // MARK: The request's body

    private func sendBody(on connection: InstanceConnection) async -> Sending {
        var remaining = request.declaredBodyBytes
        while true {
            progress.withLock { $0.bodyTouched = true }
            let bytes: [UInt8]?
            do {
                bytes = try await request.body.next()
            } catch {
                return abandon(connection)
            }
            if let left = remaining { remaining = left - (bytes?.count ?? 0) }
            do {
                guard let bytes else {
                    // A body that is shorter or longer than declared would make the next request of the connection
                    // begin in the middle of it.
                    guard remaining ?? 0 == 0 else { return abandon(connection) }
                    try await connection.end(writer.end)
                    return .ended
                }
                guard remaining ?? 0 >= 0 else { return abandon(connection) }
                // The last bytes of a declared length end the request, so that an answer to them finds it ended.
                if remaining == 0 {
                    try await connection.end(writer.body(bytes) + writer.end)
                    return .ended
                }
                if !bytes.isEmpty { try await connection.send(writer.body(bytes)) }
            } catch {
                // Not an error by itself: the answer may have come before. Who reads the answer will see.
                return .stopped
            }
        }
    }

    private func abandon(_ connection: InstanceConnection) -> Sending {
        connection.abandon()
        return Task.isCancelled ? .stopped : .clientGone
    }

    // MARK: The answer

    /// - Parameter onUpgrade: called where the function has taken the upgrade.
    /// - Returns: whether the connection may carry another exchange.
    private func deliver(
        from connection: InstanceConnection, onUpgrade: () -> Void = {}
    ) async -> Result<Bool, TransportError> {
        var hasHead = false
        while true {
            let answer: AnswerParts
            do {
                answer = try await connection.answer()
            } catch {
                let failure = AnswerFailure(error)
                progress.withLock { $0.closedUnanswered = failure.isClosed && !hasHead }
                return .failure(.broken(failure.description))
            }
            do {
                for part in answer.parts {
                    switch part {
                    case .head(let head):
                        hasHead = true
                        try await sink.writeHead(HTTPResponse(head))
                        if head.isUpgrade { onUpgrade() }
                    case .body(let buffer):
                        try await sink.writeChunk(Array(buffer.readableBytesView))
                    case .end(let trailers, _):
                        try await sink.finish(trailers: trailers.map { HTTPFields($0).forwardable })
                        return .success(answer.isReusable)
                    }
                }
            } catch {
                return .failure(.clientGone)
            }
        }
    }
}
