import HTTPTypes
import Invok
import InvokProxy
import InvokSim
import NIOCore

/// A connection at a function's server: reads requests, one after the other, and has them answered.
///
/// Used on the simulation's thread only.
final class SimFunctionConnection: @unchecked Sendable {
    private let socket: SimSocket
    private let server: SimFunctionServer
    private let caller: SimCore?
    private var input = ByteBuffer()
    private var output = ByteBuffer()
    private var reader = RequestReader(limits: HeadLimits())
    private var exchange: SimFunctionExchange?
    private var exchanges = 0
    private var writer: UnsafeContinuation<Void, Never>?
    private var idleTimer: SimTimer?
    private var isClosed = false

    init(_ socket: SimSocket, at server: SimFunctionServer, by caller: SimCore?) {
        self.socket = socket
        self.server = server
        self.caller = caller
        socket.onEvent { [self] in onEvent() }
        rest()
    }

    /// Whether it works on a request of a user that the core may still wait for.
    var isWorking: Bool {
        guard let exchange, !exchange.isCheck, !exchange.entry.isWhole else { return false }
        return !isDraining && !socket.isPeerClosed
    }

    // MARK: The socket

    private func onEvent() {
        guard !isClosed else { return }
        pump()
        advance()
    }

    private func pump() {
        if output.readableBytes > 0, !socket.write(&output) { output.clear() }
        if output.readableBytes == 0 { output = ByteBuffer() }
        if output.readableBytes == 0 || socket.isReset { writer.take()?.resume() }
    }

    /// Sends bytes, and waits until the system has taken them.
    func send(_ bytes: [UInt8]) async throws {
        output.writeBytes(bytes)
        pump()
        while output.readableBytes > 0, !isClosed, !socket.isReset {
            await withUnsafeContinuation { writer = $0 }
        }
        guard !isClosed, !socket.isReset else { throw SimConnection.Closed() }
    }

    /// Ends the connection.
    /// - Parameter isReset: whether what is underway is lost.
    func close(isReset: Bool = false) {
        guard !isClosed else { return }
        isClosed = true
        if let timer = idleTimer.take() { server.clock.cancel(timer) }
        exchange?.entry.isBroken = exchange?.entry.isWhole == false
        exchange?.entry.isReset = isReset
        exchange?.onBroken()
        socket.onEvent(nil)
        if isReset { socket.reset() } else { socket.close() }
        writer.take()?.resume()
        server.remove(self)
    }

    // MARK: Requests

    /// Reads on, as far as somebody wants it.
    func advance() {
        while !isClosed {
            if isLingering {
                if case .bytes = socket.read() { continue }
                if socket.isEnding { close() }
                return
            }
            if let exchange, !exchange.wantsBody, !isDraining { return }
            do {
                guard try !takePart() else { continue }
            } catch {
                server.require(false, "an instance got what is no request: \(error)")
                return close(isReset: true)
            }
            switch socket.read() {
            case .bytes(var bytes):
                if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
            case .nothing: return
            case .end: return onInputEnd()
            case .reset: return onInputEnd()
            }
        }
    }

    /// The answer is there, and what is left of the request is dropped.
    private var isDraining = false
    /// Whatever comes is dropped until the other side ends.
    private var isLingering = false

    private func onInputEnd() {
        guard let exchange else { return close() }
        // Whoever computes does not notice.
        exchange.onBroken()
        if isDraining { close() }
    }

    /// - Returns: `false` when it takes more bytes.
    private func takePart() throws -> Bool {
        let (skipped, part) = try input.withUnsafeReadableBytes { try reader.next($0) }
        input.moveReaderIndex(forwardBy: skipped)
        switch part {
        case nil:
            if input.readableBytes == 0 { input = ByteBuffer() }
            return false
        case .head(let head): begin(head)
        case .body(let count):
            let bytes = input.readBytes(length: count) ?? []
            if !isDraining { exchange?.onBody(bytes) }
        case .end:
            exchange?.onBodyEnd()
            if isDraining { endExchange() }
        }
        return true
    }

    private func begin(_ head: RequestHead) {
        if let timer = idleTimer.take() { server.clock.cancel(timer) }
        let request = HTTPRequest(head)
        let fields = head.head.fields.map {
            (
                name: String(decoding: head.head.name($0), as: UTF8.self).lowercased(),
                value: String(decoding: head.head.value($0), as: UTF8.self)
            )
        }
        let isCheck = request.path == "/_invok/ready"
        let entry = SimLedger.Entry(
            server.instance.spec.version.function, method: request.method.rawValue, fields: fields,
            isReused: exchanges > 0)
        let hasBody = fields.contains {
            $0.name == "transfer-encoding" || ($0.name == "content-length" && $0.value != "0")
        }
        let exchange = SimFunctionExchange(
            entry, isCheck: isCheck, isEmpty: !hasBody, keepsAlive: head.keepsAlive,
            server.nextRandom(), on: self, clock: server.clock)
        self.exchange = exchange
        exchanges += 1
        guard server.begin(exchange, by: caller) else { return close() }
        let work = InvocationRequest(head: request, body: exchange)
        _ = Task { [self] in
            let result = await server.answer(work, exchange)
            end(exchange, result)
        }
    }

    private func end(_ exchange: SimFunctionExchange, _ result: Result<Void, TransportError>) {
        server.end(exchange)
        guard !isClosed, self.exchange === exchange else { return }
        guard case .success = result else { return close(isReset: true) }
        if exchange.hasBodyEnded { return endExchange() }
        isDraining = true
        if exchange.closesBehind { return linger() }
        advance()
    }

    /// Ends the sending, and goes on reading for a while: bytes unread would reset the connection, and the answer with it.
    private func linger() {
        isLingering = true
        socket.endOutput()
        idleTimer = server.clock.call(at: server.clock.now().advanced(by: .seconds(30))) { [self] in
            idleTimer = nil
            close()
        }
        advance()
    }

    /// Goes on to the next request.
    private func endExchange() {
        let closes = exchange?.closesBehind ?? true
        exchange = nil
        isDraining = false
        reader = RequestReader(limits: HeadLimits())
        guard !closes, server.takesMore else { return linger() }
        rest()
        // Not from within the reading.
        socket.onEvent { [self] in onEvent() }
    }

    /// A connection that is idle is kept for a while, as long as the shortest that is common, or longer.
    private func rest() {
        let end = server.clock.now().advanced(by: server.idleTime)
        idleTimer = server.clock.call(at: end) { [self] in
            idleTimer = nil
            if exchange == nil { close() }
        }
    }
}
