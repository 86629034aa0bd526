/// What a server must refuse of those who reach its port, without any login.
struct WireChecks: Sendable {
    let client: WireClient

    private struct Hostile {
        let claim: String
        let message: String
        var statuses = [400]
    }

    private static let report = "Report it: this is a fault of this version of Invok."

    func run() async throws -> [SecurityCheck] {
        var checks: [SecurityCheck] = []
        for hostile in hostile {
            let answer = try await client.send(hostile.message)
            let isRefused = answer.status.map(hostile.statuses.contains) ?? answer.bytes.isEmpty
            checks.append(
                SecurityCheck(
                    hostile.claim, isRefused && answer.isClosed, found: answer.summary, nextStep: Self.report))
        }
        return checks + [try await bytesBehindAnUpgrade()]
    }

    private var hostile: [Hostile] {
        let host = "Host: \(client.authority)\r\n"
        func post(_ fields: String, _ body: String = "") -> String {
            "POST /auth/login HTTP/1.1\r\n\(host)\(fields)\r\n\(body)"
        }
        func get(_ fields: String) -> String { "GET /healthz HTTP/1.1\r\n\(host)\(fields)\r\n" }
        return [
            Hostile(
                claim: "CONNECT is refused",
                message: "CONNECT doctor.invalid:1 HTTP/1.1\r\nHost: doctor.invalid:1\r\n\r\n",
                statuses: [400, 405, 421, 501]),
            Hostile(
                claim: "a length over 2^63-1 is refused", message: post("Content-Length: 9223372036854775808\r\n")),
            Hostile(claim: "a length with a sign is refused", message: post("Content-Length: +0\r\n")),
            Hostile(claim: "a list of lengths is refused", message: post("Content-Length: 0, 0\r\n")),
            Hostile(
                claim: "two lengths are refused", message: post("Content-Length: 0\r\nContent-Length: 4\r\n", "abcd")),
            Hostile(
                claim: "a length beside chunks is refused",
                message: post("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")),
            Hostile(
                claim: "an unknown transfer coding is refused",
                message: post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), statuses: [400, 501]),
            Hostile(
                claim: "a chunk's length that overflows ends the connection",
                message: post("Transfer-Encoding: chunked\r\n", "10000000000000001\r\nx\r\n0\r\n\r\n"),
                statuses: [400, 401, 415, 422]),
            Hostile(claim: "a folded header line is refused", message: get("X-A: a\r\n b\r\n")),
            Hostile(claim: "a space before a header's colon is refused", message: get("X-A : a\r\n")),
            Hostile(claim: "a zero byte in a header is refused", message: get("X-A: a\0b\r\n")),
            Hostile(claim: "two Host headers are refused", message: get("Host: doctor.invalid\r\n")),
            Hostile(claim: "a request without Host is refused", message: "GET /healthz HTTP/1.1\r\n\r\n"),
            Hostile(claim: "lines that end without CR are refused", message: "GET /healthz HTTP/1.1\nHost: x\n\n"),
        ]
    }

    /// The bytes are few, and go nowhere when the server keeps them for as long as the connection lives.
    private func bytesBehindAnUpgrade() async throws -> SecurityCheck {
        let head =
            "GET /healthz HTTP/1.1\r\nHost: \(client.authority)\r\nConnection: Upgrade\r\nUpgrade: doctor\r\n\r\n"
        let answer = try await client.send(Array(head.utf8) + [UInt8](repeating: 0x41, count: 1 << 20))
        return SecurityCheck(
            "a connection whose upgrade nobody took does not stay", answer.isClosed && answer.status != 101,
            found: answer.summary, nextStep: Self.report)
    }
}
