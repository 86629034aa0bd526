import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// Sends bytes of the doctor's choice to a server and takes what comes back. It is no HTTP client: most of what it sends
/// no client would.
struct WireClient: Sendable {
    struct Answer: Sendable {
        var bytes: [UInt8] = []
        /// Whether the server has ended the connection within the time.
        var isClosed = false

        /// The first line's status; `nil` where no HTTP came.
        var status: Int? {
            guard text.hasPrefix("HTTP/1."), let code = text.split(separator: " ", maxSplits: 2).dropFirst().first
            else {
                return nil
            }
            return Int(code.prefix(3))
        }

        /// All values of the first answer's fields of this name.
        func fields(_ name: String) -> [String] {
            text.prefix(upTo: endOfHead).split(separator: "\r\n").dropFirst().compactMap { line in
                guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased() else {
                    return nil
                }
                return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            }
        }

        var body: [UInt8] {
            guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return [] }
            return Array(bytes[end.upperBound...])
        }

        /// In few words, for a person.
        var summary: String {
            if bytes.isEmpty { return isClosed ? "the connection was closed without an answer" : "no answer" }
            let first = text.prefix { $0 != "\r\n" && $0 != "\n" }.prefix(80)
            return "\(first)\(isClosed ? "" : ", and the connection stayed open")"
        }

        private var text: String { String(decoding: bytes, as: UTF8.self) }

        private var endOfHead: String.Index { text.firstRange(of: "\r\n\r\n")?.lowerBound ?? text.endIndex }
    }

    let host: String
    let port: Int
    private let security: Security?

    /// TLS with a server that shows one certificate and no other.
    private struct Security {
        let context: NIOSSLContext
        let certificate: [UInt8]

        init(_ certificate: [UInt8]) throws {
            var configuration = TLSConfiguration.makeClientConfiguration()
            // Whom it trusts is decided below, and not by who signed.
            configuration.trustRoots = .certificates([])
            configuration.certificateVerification = .noHostnameVerification
            configuration.shutdownTimeout = .zero
            context = try NIOSSLContext(configuration: configuration)
            self.certificate = certificate
        }

        func handler() throws -> NIOSSLClientHandler {
            try NIOSSLClientHandler(context: context, serverHostname: nil) { [certificate] shown, verdict in
                let isTheOne = (try? shown.first?.toDERBytes()) == certificate
                verdict.succeed(isTheOne ? .certificateVerified : .failed)
            }
        }
    }

    /// - Parameter certificate: what the server has to show (DER); `nil` for one without TLS.
    init(host: String, port: Int, certificate: [UInt8]?) throws {
        (self.host, self.port) = (host, port)
        security = try certificate.map { try Security($0) }
    }

    var url: String { "\(security == nil ? "http" : "https")://\(authority)" }

    /// The host and port as a request names them.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Sends the bytes and waits until the server has ended the connection, or for so long.
    /// - Throws: `IOError` or `ChannelError` when there is no connection.
    func send(_ bytes: [UInt8], forSeconds seconds: Int64 = 5) async throws -> Answer {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(5))
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let security { try pipeline.addHandler(security.handler()) }
                    try pipeline.addHandler(Collector(done: channel.eventLoop.makePromise()))
                }
            }
            .connect(host: host, port: port).get()
        let answer = try await channel.eventLoop.flatSubmit {
            do {
                let collector = try channel.pipeline.syncOperations.handler(type: Collector.self)
                channel.eventLoop.assumeIsolated().scheduleTask(in: .seconds(seconds)) { collector.finish() }
                // A server that refuses may reset the connection before all is sent; what it said counts.
                channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
                return collector.done.futureResult
            } catch {
                return channel.eventLoop.makeFailedFuture(error)
            }
        }.get()
        try? await channel.close()
        return answer
    }

    func send(_ text: String, forSeconds seconds: Int64 = 5) async throws -> Answer {
        try await send(Array(text.utf8), forSeconds: seconds)
    }

    /// A plain request, by HTTP/1.0, so that the answer ends with the connection.
    func request(
        _ method: String, _ target: String, host: String? = nil, _ fields: [String] = [], body: [UInt8] = [],
        forSeconds seconds: Int64 = 60
    ) async throws -> Answer {
        var head = "\(method) \(target) HTTP/1.0\r\nHost: \(host ?? authority)\r\n"
        for field in fields { head += "\(field)\r\n" }
        if !body.isEmpty { head += "Content-Length: \(body.count)\r\n" }
        return try await send(Array("\(head)\r\n".utf8) + body, forSeconds: seconds)
    }
}

/// Keeps what comes, up to a bound, until the other side ends.
private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private static let limit = 4 << 20

    let done: EventLoopPromise<WireClient.Answer>
    private var answer = WireClient.Answer()
    private var isDone = false

    init(done: EventLoopPromise<WireClient.Answer>) { self.done = done }

    func finish() {
        guard !isDone else { return }
        isDone = true
        done.succeed(answer)
    }

    private func close() {
        if !isDone { answer.isClosed = true }
        finish()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        answer.bytes += Self.unwrapInboundIn(data).readableBytesView
        if answer.bytes.count > Self.limit { finish() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .inputClosed? = event as? ChannelEvent { close() }
    }

    /// Also when no connection came about.
    func handlerRemoved(context: ChannelHandlerContext) { close() }

    func channelInactive(context: ChannelHandlerContext) { close() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close()
        context.close(promise: nil)
    }
}
