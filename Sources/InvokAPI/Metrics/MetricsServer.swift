import HTTPTypes
public import Invok
import InvokProxy
import NIOCore
public import ServiceLifecycle

/// Serves `/metrics` on a listener of its own, by the product's HTTP server.
public struct MetricsServer: Service {
    private let system: InvokSystem
    private let address: MetricsAddress
    private let hosts: HostRules
    private let process: @Sendable () async -> ProcessUse?
    private let onListening: @Sendable (Int) async -> Void

    /// - Parameters:
    ///   - hosts: the names that are answered for.
    ///   - process: what the process takes, where that can be told.
    ///   - onListening: called with the port once requests are taken.
    public init(
        system: InvokSystem, address: MetricsAddress, hosts: HostRules,
        process: @escaping @Sendable () async -> ProcessUse? = { nil },
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) {
        self.system = system
        self.address = address
        self.hosts = hosts
        self.process = process
        self.onListening = onListening
    }

    /// Takes requests until the service group shuts down.
    /// - Throws: `ServerError` when it cannot listen.
    public func run() async throws {
        let responder = MetricsResponder(system: system, hosts: hosts, process: process)
        let patience = Duration.seconds(30)
        let limits = ClientLimits(
            firstByte: patience, idle: .seconds(300), head: patience, pause: patience, body: patience, leastRate: 0)
        let server = HTTPServer(
            configuration: HTTPServer.Configuration(
                listener: .host(address.host, port: address.port), headBytes: 16 * 1024, headFields: 100,
                lingerTime: .seconds(1), lingerBytes: 64 * 1024, answerTimeout: TimeAmount(patience), limits: limits),
            connections: Connections(limit: 64, limitPerAddress: 64) { _ in true },
            handlers: HTTPServer.Handlers(
                respond: { request, _, connection, _ in try await responder.respond(to: request, on: connection) },
                limits: { _, _ in limits }, refusal: { _ in responder.refusal() }),
            network: SocketNetwork())
        do {
            try await server.run(onListening: onListening) { try? await gracefulShutdown() }
        } catch {
            let next = "set INVOK_METRICS_ADDRESS to another address, or to nothing for no metrics"
            throw ServerError(error, host: address.host, port: address.port, taken: next, elsewhere: next)
        }
    }
}

/// Where metrics are served.
public struct MetricsAddress: Hashable, Sendable {
    public static let standardPort = 9464

    public var host: String
    /// 0 for any free port.
    public var port: Int

    public init(host: String = "127.0.0.1", port: Int = standardPort) {
        self.host = host
        self.port = port
    }

    /// Parses `127.0.0.1:9464` or `[::1]:9464`.
    /// - Returns: `nil` for any other text.
    public init?(_ text: String) {
        guard let authority = Authority(text), let port = authority.port else { return nil }
        self.init(host: authority.name, port: port)
    }
}

/// Answers requests for metrics.
struct MetricsResponder: Sendable {
    let system: InvokSystem
    let hosts: HostRules
    let process: @Sendable () async -> ProcessUse?

    func respond(to request: HTTPRequest, on connection: any ClientConnection) async throws {
        if let fault = fault(of: request) { return try await refuse(fault, on: connection) }
        let format = MetricsText.Format(accept: request.headerFields[.accept])
        let isCompressed = Self.takesGzip(request.headerFields[.acceptEncoding])
        var fields: HTTPFields = [.contentType: format.mediaType, .cacheControl: "no-store", .vary: "Accept-Encoding"]
        if isCompressed { fields[.contentEncoding] = "gzip" }
        let use = await process()
        try await connection.writeHead(HTTPResponse(status: .ok, headerFields: fields))
        if request.method != .head {
            let gzip = isCompressed ? try GzipStream() : nil
            var page = MetricsPage(system.metrics, use, format) { piece in
                let bytes = gzip?.compress(piece) ?? piece
                if !bytes.isEmpty { try await connection.writeChunk(bytes) }
            }
            try await page.write()
            if let gzip { try await connection.writeChunk(gzip.compress([], isLast: true)) }
        }
        try await connection.finish(trailers: nil)
    }

    /// The answer to what is no request.
    func refusal() -> (head: HTTPResponse, body: [UInt8]) {
        Self.message(.invalidRequest("the request is malformed"), system)
    }

    private func fault(of request: HTTPRequest) -> InvokError? {
        if let fault = hosts.fault(host: request.authority) { return fault }
        let path = (request.path ?? "").prefix { $0 != "?" }
        guard path == "/metrics" else {
            return InvokError(.notFound, "there is nothing at this path", nextStep: "metrics are at /metrics")
        }
        guard request.method == .get || request.method == .head else {
            return InvokError(.methodNotAllowed, "metrics are only read", nextStep: "send GET")
        }
        return nil
    }

    private func refuse(_ error: InvokError, on connection: any ClientConnection) async throws {
        var (head, body) = Self.message(error, system)
        if error.code == .methodNotAllowed { head.headerFields[.allow] = "GET, HEAD" }
        try await connection.writeHead(head)
        try await connection.writeChunk(body)
        try await connection.finish(trailers: nil)
    }

    private static func message(_ error: InvokError, _ system: InvokSystem) -> (head: HTTPResponse, body: [UInt8]) {
        let id = RequestIdentity.make(for: [:], randomness: system.world.randomness)
        let (head, body) = Problem.message(for: error, requestID: id)
        return (head, Array(body.readableBytesView))
    }

    /// Whether the client names gzip and does not refuse it (RFC 9110 §12.5.3).
    static func takesGzip(_ field: String?) -> Bool {
        (field ?? "").split(separator: ",").contains { coding in
            let words = coding.lowercased().filter { !$0.isWhitespace }.split(separator: ";")
            return words.first == "gzip" && !words.dropFirst().contains { $0.wholeMatch(of: /q=0(\.0*)?/) != nil }
        }
    }
}
