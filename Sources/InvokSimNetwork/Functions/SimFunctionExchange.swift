import HTTPTypes
import Invok
import InvokProxy
import InvokSim

/// One request and its answer at a function's server: what the function reads and writes.
///
/// Used on the simulation's thread only.
final class SimFunctionExchange: RequestBody, ResponseSink, @unchecked Sendable {
    let entry: SimLedger.Entry
    let isCheck: Bool
    let isEmpty: Bool
    private unowned let connection: SimFunctionConnection
    private let clock: SimClock
    private var manner: SimAnswerManner
    private var random: SimGenerator
    private var isChunked = false
    private var sendsBody = true
    /// What the head of the answer says of its length.
    private var declaredBytes: Int?
    private(set) var closesBehind = false

    /// Pieces of the body that came and were not asked for yet, and who waits for the next.
    private var pieces: [[UInt8]] = []
    private(set) var hasBodyEnded = false
    private var isBodyBroken = false
    private var reader: UnsafeContinuation<Void, Never>?

    init(
        _ entry: SimLedger.Entry, isCheck: Bool, isEmpty: Bool, keepsAlive: Bool,
        _ random: SimGenerator,
        on connection: SimFunctionConnection, clock: SimClock
    ) {
        self.entry = entry
        self.isCheck = isCheck
        self.isEmpty = isEmpty
        self.connection = connection
        self.clock = clock
        self.random = random
        manner = isCheck ? SimAnswerManner() : SimAnswerManner.draw(&self.random)
        for field in entry.requestFields where field.name == "x-sim-manner" { manner.apply(field.value) }
        closesBehind = manner.closes || !keepsAlive
        hasBodyEnded = isEmpty
    }

    /// Whether more of the body shall be read.
    var wantsBody: Bool { !hasBodyEnded && pieces.isEmpty && reader != nil }

    // MARK: The request

    func onBody(_ bytes: [UInt8]) {
        entry.requestBody += bytes
        pieces.append(bytes)
        wakeReader()
    }

    func onBodyEnd() {
        hasBodyEnded = true
        wakeReader()
    }

    /// The rest of the body will not come.
    func onBroken() {
        isBodyBroken = true
        wakeReader()
    }

    private func wakeReader() { reader.take()?.resume() }

    func next() async throws -> [UInt8]? {
        while pieces.isEmpty {
            if hasBodyEnded { return nil }
            guard !isBodyBroken else { throw SimConnection.Closed() }
            await withUnsafeContinuation { continuation in
                reader = continuation
                connection.advance()
            }
        }
        return pieces.removeFirst()
    }

    // MARK: The answer

    func writeHead(_ head: HTTPResponse) async throws {
        if manner.readsAll { while try await next() != nil {} }
        let status = manner.status ?? head.status.code
        sendsBody = entry.method != "HEAD" && status != 204 && status != 304
        var fields = head.headerFields.map { (name: $0.name.rawName, value: $0.value) }
        let isDeclared = head.headerFields[.contentLength] != nil
        if manner.framing == .chunked || manner.framing == .untilEnd || status == 204 {
            fields.removeAll { $0.name.lowercased() == "content-length" }
        }
        let keepsLength = isDeclared && manner.framing == .declared
        declaredBytes = keepsLength ? head.headerFields[.contentLength].flatMap { Int($0) } : nil
        isChunked = sendsBody && !keepsLength && manner.framing != .untilEnd
        entry.endsWithConnection = sendsBody && !keepsLength && !isChunked
        if isChunked { fields.append((name: "Transfer-Encoding", value: "chunked")) }
        // Who will not read the rest of a request says so.
        if entry.endsWithConnection || (!manner.drains && !hasBodyEnded) { closesBehind = true }
        if manner.saysTooMuch { fields += Self.tooMuch }
        if closesBehind { fields.append((name: "Connection", value: "close")) }
        entry.status = status
        entry.fields = fields
        var lines = ""
        for _ in 0..<manner.interim { lines += "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" }
        lines += "HTTP/1.1 \(status) \(head.status.reasonPhrase)\r\n"
        for field in fields { lines += "\(field.name): \(field.value)\r\n" }
        try await connection.send(Array((lines + "\r\n").utf8))
        if !sendsBody { entry.isWhole = true }
    }

    /// What a client must not see, or must not believe a function.
    private static let tooMuch = [
        (name: "Keep-Alive", value: "timeout=5"), (name: "X-Sim-Hop", value: "of the connection"),
        (name: "Connection", value: "keep-alive, x-sim-hop"), (name: "Server", value: "somebody"),
        (name: "X-Invok-Secret", value: "none"), (name: "Clear-Site-Data", value: "\"*\""),
    ]

    func writeChunk(_ bytes: [UInt8]) async throws {
        guard sendsBody else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            var size = min(rest.count, manner.pieceBytes)
            // What is small once need not be so all the time.
            if manner.pieceBytes < 1000, entry.body.count > 40 * manner.pieceBytes { size = rest.count }
            if let limit = manner.isBrokenAfter { size = min(size, limit - entry.body.count) }
            if size > 0 { try await writePiece(Array(rest.prefix(size))) }
            rest = rest.dropFirst(size)
            if let limit = manner.isBrokenAfter, entry.body.count >= limit {
                throw TransportError.broken("the answer was not whole")
            }
            guard !rest.isEmpty, manner.pause > .zero, random.below(2) == 0 else { continue }
            try? await clock.sleep(until: clock.now().advanced(by: manner.pause))
        }
    }

    private func writePiece(_ bytes: [UInt8]) async throws {
        entry.body += bytes
        // With its last byte it is over for whoever reads it.
        if entry.body.count == declaredBytes { entry.isWhole = true }
        guard isChunked else { return try await connection.send(bytes) }
        let form = random.below(8) == 0 ? ";a=\"b\"" : ""
        try await connection.send(
            Array("\(String(bytes.count, radix: 16, uppercase: random.below(2) == 0))\(form)\r\n".utf8) + bytes
                + Array("\r\n".utf8))
    }

    func finish(trailers: HTTPFields?) async throws {
        if manner.isBrokenAfter != nil, sendsBody { throw TransportError.broken("the answer was not whole") }
        entry.isWhole = true
        guard isChunked else { return }
        entry.trailers = manner.hasTrailers ? [(name: "X-Sim-Trailer", value: "\(entry.body.count)")] : []
        var lines = "0\r\n"
        for field in entry.trailers { lines += "\(field.name): \(field.value)\r\n" }
        try await connection.send(Array((lines + "\r\n").utf8))
    }
}
