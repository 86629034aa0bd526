import Foundation
import TestSupport
import Testing

/// Somebody who calls functions in every way, good and bad, and looks at what comes back.
struct SoakCaller {
    enum Kind: CaseIterable {
        case keepAlive, pipelined, upload, streamed, halfClosed, abandoned, brokenUpload, brokenDeploy, timedOut,
            malformed
        case stranger, control
    }

    struct Function {
        let name: String
        let access: String
        let limits: String
        let source: String
    }

    /// One that says what it got, one that answers bit by bit, and one that takes too long.
    static let functions: [Function] = [
        Function(name: "echo", access: "public", limits: limits(), source: echo),
        Function(name: "closed", access: "private", limits: limits(), source: echo),
        Function(
            name: "parts", access: "public", limits: limits(),
            source: """
                def handler(request):
                    return (b"part %d\\n" % number for number in range(50))
                """),
        Function(
            name: "slow", access: "public", limits: limits(#","timeoutSeconds":1"#),
            source: """
                import time
                def handler(request):
                    time.sleep(1.5)
                    return "late"
                """),
    ]

    private static let echo = """
        import zlib
        def handler(request):
            return f"{request.query_string} {len(request.body)} {zlib.adler32(request.body)}"
        """

    private static func limits(_ more: String = "") -> String {
        #""ratePerCaller":0,"concurrency":64,"minInstances":1,"maxInstances":1"# + more
    }

    private let core: CoreProcess
    private let user: ServerClient
    private var serial: Int
    private var random: SplitMix
    private(set) var calls: [Kind: Int] = [:]

    init(core: CoreProcess, user: ServerClient, number: Int) {
        (self.core, self.user) = (core, user)
        serial = number * 1_000_000
        random = SplitMix(state: UInt64(number))
    }

    mutating func call() async throws {
        // What takes a second is rare.
        let kinds =
            Kind.allCases.filter { $0 != .timedOut } + (Int.random(in: 0..<20, using: &random) == 0 ? [.timedOut] : [])
        let kind = kinds.randomElement(using: &random)!
        calls[kind, default: 0] += 1
        let connection = try await ByteConnection.connect(port: core.port)
        switch kind {
        case .keepAlive: for _ in 0..<20 { try await echo(on: connection, size: 0) }
        case .pipelined: try await pipelined(connection)
        case .upload: for size in [1, 1000, 300_000] { try await echo(on: connection, size: size) }
        case .streamed: try await streamed(connection)
        case .halfClosed:
            try await echo(on: connection, size: 10, isLast: true)
            #expect(try await connection.rest().isEmpty)
        case .abandoned:
            try await connection.write(request("GET", "parts"))
            if Bool.random(using: &random) { _ = try await connection.text(through: "part 7\n") }
        case .brokenUpload:
            try await connection.write(
                request("POST", "echo", length: 400_000) + String(repeating: "x", count: 100_000))
        case .brokenDeploy:
            let type = "Content-Type: multipart/form-data; boundary=XX\r\n"
            let head = "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.zip\"\r\n\r\nPK"
            try await connection.write(
                "POST /invok/deploy HTTP/1.1\r\nHost: localhost\r\n\(authorization)\(type)Content-Length: 90000\r\n\r\n\(head)"
            )
        case .timedOut:
            try await connection.write(request("GET", "slow"))
            #expect(try await status(of: connection) == 504)
        case .malformed:
            try await connection.write("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n")
            #expect(try await status(of: connection) == 400)
            try await connection.closed()
        case .stranger:
            try await connection.write(request("GET", "closed"))
            #expect(try await status(of: connection) == 401)
        case .control:
            for path in ["/api/v1/functions", "/api/v1/functions/\(user.namespace)/echo/logs", "/readyz"] {
                #expect(try await user.call("GET", path).status == 200)
            }
        }
    }

    // MARK: Kinds

    private var authorization: String { "Authorization: Bearer \(user.token ?? "")\r\n" }

    private func request(_ method: String, _ name: String, query: String = "", length: Int = 0) -> String {
        let fields = name == "closed" && !query.isEmpty ? authorization : ""
        return
            "\(method) \(user.path(name))?\(query) HTTP/1.1\r\nHost: localhost\r\n\(fields)Content-Length: \(length)\r\n\r\n"
    }

    /// A call that is answered by what it was.
    private mutating func echo(on connection: ByteConnection, size: Int, isLast: Bool = false) async throws {
        serial += 1
        let body = (0..<size).map { UInt8(truncatingIfNeeded: $0 &+ serial) }
        let name = Bool.random(using: &random) ? "echo" : "closed"
        try await connection.write(Array(request("POST", name, query: "\(serial)", length: size).utf8) + body)
        if isLast { try await connection.finish() }
        let expected = "\(serial) \(size) \(Self.adler32(body))"
        #expect(try await answer(on: connection) == expected)
    }

    private mutating func pipelined(_ connection: ByteConnection) async throws {
        let numbers = (1...10).map { serial + $0 }
        serial += 10
        try await connection.write(numbers.map { request("POST", "echo", query: "\($0)") }.joined())
        for number in numbers { #expect(try await answer(on: connection) == "\(number) 0 1") }
    }

    private func streamed(_ connection: ByteConnection) async throws {
        try await connection.write(request("GET", "parts"))
        let answer = try await connection.text(through: "0\r\n\r\n") ?? ""
        #expect(answer.hasPrefix("HTTP/1.1 200 ") && answer.contains("part 0\n") && answer.contains("part 49\n"))
    }

    private func status(of connection: ByteConnection) async throws -> Int? {
        try await connection.text(through: "\r\n\r\n").flatMap { Int($0.dropFirst(9).prefix(3)) }
    }

    private func answer(on connection: ByteConnection) async throws -> String? {
        var head = try #require(try await connection.text(through: "\r\n\r\n"))
        // Who has ended its sending is asked whether it still reads.
        if head.hasPrefix("HTTP/1.1 100 ") { head = try #require(try await connection.text(through: "\r\n\r\n")) }
        #expect(head.hasPrefix("HTTP/1.1 200 "), "\(head)")
        let length = try #require(Int(head.firstMatch(of: /content-length: (\d+)/.ignoresCase())?.output.1 ?? ""))
        return try await connection.bytes(length).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The checksum of RFC 1950 §8.2.
    private static func adler32(_ bytes: [UInt8]) -> UInt32 {
        let (low, high) = bytes.reduce((UInt32(1), UInt32(0))) { sums, byte in
            let low = (sums.0 + UInt32(byte)) % 65_521
            return (low, (sums.1 + low) % 65_521)
        }
        return high << 16 | low
    }
}

/// A random source that a number makes (Steele, Lea and Flood 2014), so that a soak can be had again.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
