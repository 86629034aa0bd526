import Invok
import InvokSim

/// A request as a client writes it, down to its bytes.
struct SimRawRequest {
    enum Framing: Hashable {
        case none
        case length
        case chunked
    }

    var id: String
    var method = "GET"
    var target: String
    var isHTTP10 = false
    var fields: [(name: String, value: String)] = []
    var framing = Framing.none
    var body: [UInt8] = []
    /// Whether the body comes only after a moment, in which the server may say that it shall.
    var expectsContinue = false

    /// Fields that the function must get, in their order.
    var passed: [(name: String, value: String)] { fields.filter { $0.name.hasPrefix("X-Sim-Sent") } }

    /// What it is, for who reads of a run.
    var summary: String {
        let manner = fields.first { $0.name == "X-Sim-Manner" }?.value ?? ""
        return "\(id) \(method)\(isHTTP10 ? " 1.0" : "") \(body.count) \(manner)"
    }

    var head: [UInt8] {
        var text = "\(method) \(target) HTTP/\(isHTTP10 ? "1.0" : "1.1")\r\nHost: localhost\r\nX-Request-Id: \(id)\r\n"
        for field in fields { text += "\(field.name): \(field.value)\r\n" }
        switch framing {
        case .none: break
        case .length: text += "Content-Length: \(body.count)\r\n"
        case .chunked: text += "Transfer-Encoding: chunked\r\n"
        }
        if expectsContinue { text += "Expect: 100-continue\r\n" }
        return Array((text + "\r\n").utf8)
    }

    /// The body as it is sent.
    func content(_ random: inout SimGenerator) -> [UInt8] {
        guard framing == .chunked else { return body }
        var bytes: [UInt8] = []
        var rest = body[...]
        while !rest.isEmpty {
            let chunk = rest.prefix(1 + random.below(3000))
            bytes += Array("\(String(chunk.count, radix: 16))\(random.below(5) == 0 ? ";x" : "")\r\n".utf8)
            bytes += chunk
            bytes += Array("\r\n".utf8)
            rest = rest.dropFirst(chunk.count)
        }
        return bytes + Array("0\r\n\(random.below(4) == 0 ? "X-Checksum: 1\r\n" : "")\r\n".utf8)
    }

    // MARK: What clients send

    private static let methods = ["GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "REPORT"]
    private static let manners = [
        "status-304", "status-204", "status-404", "read-all", "until-end", "close", "break-0", "break-3",
        "until-end,break-1",
        "read-all,close",
    ]

    /// - Parameters:
    ///   - path: of the function.
    ///   - mayEnd: whether the connection may end behind it.
    static func draw(
        _ id: String, to path: String, token: String, mayEnd: Bool, _ random: inout SimGenerator
    ) -> SimRawRequest {
        var request = SimRawRequest(
            id: id, method: methods[random.below(methods.count)],
            target: path + ["", "/a/b", "?q=1&r", "/%C3%A4?x"][random.below(4)])
        let isApart = random.below(4) == 0
        request.fields = [(isApart ? "X-Invok-Token" : "Authorization", isApart ? token : "Bearer \(token)")]
        for number in 0..<random.below(4) {
            request.fields.append(("X-Sim-Sent-\(number % 2)", String(random.below(1_000_000))))
        }
        if random.below(4) == 0 { request.fields.append(("TE", "trailers")) }
        if random.below(6) == 0 {
            request.fields += [("Connection", "X-Sim-Hop"), ("X-Sim-Hop", "1"), ("X-Forwarded-For", "1.2.3.4")]
        }
        if random.below(3) == 0 {
            request.fields.append(("X-Sim-Manner", manners[random.below(manners.count)]))
        }
        if mayEnd, random.below(8) == 0 { request.isHTTP10 = true }
        if !["GET", "HEAD", "OPTIONS"].contains(request.method) || random.below(10) == 0 {
            let size = random.below([2, 200, 5000, 90_000][random.below(4)])
            request.body = (0..<size).map { _ in UInt8(truncatingIfNeeded: random.next() >> 20) }
            request.framing = request.isHTTP10 || random.below(2) == 0 ? .length : .chunked
            request.expectsContinue = !request.isHTTP10 && size > 0 && random.below(6) == 0
        }
        return request
    }

    /// What is no request, with one inside that must not be taken for one.
    /// - Parameter id: of the one inside.
    static func malformed(around id: String, to path: String, token: String, _ random: inout SimGenerator) -> [UInt8] {
        let inside = "GET \(path) HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\nX-Request-Id: \(id)\r\n\r\n"
        let head = "POST \(path) HTTP/1.1\r\nHost: a\r\n"
        let forms = [
            head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inside,
            head + "Content-Length: 0\r\nContent-Length: \(inside.utf8.count)\r\n\r\n" + inside,
            head + "Transfer-Encoding: xchunked\r\n\r\n" + inside,
            head + "Content-Length : 0\r\n\r\n" + inside,
            head + "X: a\r\n b\r\n\r\n" + inside,
            head + "Content-Length: +0\r\n\r\n" + inside,
            head + "Transfer-Encoding: chunked\r\n\r\n0_\r\n\r\n" + inside,
            "GET \(path) HTTP/1.1\nHost: a\n\n" + inside,
            "GET \(path) HTTP/1.1\r\n\r\n" + inside,
            "GET \(path) HTTP/3.0\r\nHost: a\r\n\r\n" + inside,
        ]
        return Array(forms[random.below(forms.count)].utf8)
    }
}
