import Invok
import InvokSimNetwork

extension SimChecker {
    /// What concerns one connection (RFC 9110 §7.6.1), and how a body is framed.
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te",
        "transfer-encoding", "upgrade", "expect", "trailer", "content-length",
    ]

    /// What speaks for more than the function, or is said by the server itself.
    private static let reserved: Set<String> = [
        "service-worker-allowed", "clear-site-data", "strict-transport-security", "alt-svc", "nel", "report-to",
        "reporting-endpoints", "public-key-pins", "public-key-pins-report-only", "origin-agent-cluster", "server",
        "date", "x-request-id",
    ]

    /// What a client received is, byte for byte, what some function sent for that very request; or a beginning of it, on a
    /// connection that broke. The status is the same, and so are the fields but for those that are listed.
    /// - Parameters:
    ///   - entries: what was sent for the request.
    ///   - id: the request's identifier.
    func onBytes(_ received: SimHTTPClient.Received, of entries: [SimLedger.Entry], id: String) {
        if let fault = received.fields.first(where: { $0.name == "x-sim-fault" }) {
            return violation("the answer to \(id) is none: it has \(fault.value)")
        }
        guard received.status != nil else { return }
        let isOfFunction = received.fields.contains { $0.name.lowercased() == "x-sim-version" }
        guard isOfFunction else { return mark("an answer that no function sent") }
        mark(received.isWhole ? "answer as it was sent" : "beginning of an answer as it was sent")
        let problems = entries.map { Self.difference(received, from: $0) }
        require(
            problems.contains(nil),
            "the answer to \(id) is not what was sent: "
                + (problems.last.flatMap(\.self) ?? "no instance got the request"))
    }

    /// - Returns: `nil` where it is what was sent.
    private static func difference(_ received: SimHTTPClient.Received, from sent: SimLedger.Entry) -> String? {
        guard received.status == sent.status else {
            return "status \(received.status ?? 0) instead of \(sent.status ?? 0)"
        }
        let (fields, expected) = (heard(received.fields), passed(sent.fields))
        guard fields == expected else { return "fields \(fields) instead of \(expected)" }
        let (length, sentLength) = (length(received.fields), length(sent.fields))
        if let length, let sentLength, length != sentLength { return "length \(length) instead of \(sentLength)" }
        guard sent.body.starts(with: received.body) else {
            let equal = zip(sent.body, received.body).prefix { $0 == $1 }.count
            return "\(received.body.count) bytes that differ behind \(equal) from \(sent.body.count) that were sent"
        }
        let trailers = received.trailers.map { "\($0.name.lowercased()): \($0.value)" }
        guard trailers.allSatisfy(sent.trailers.map { "\($0.name.lowercased()): \($0.value)" }.contains) else {
            return "trailers \(trailers)"
        }
        guard received.isWhole else { return nil }
        let isWhole = sent.isWhole || (sent.endsWithConnection && !sent.isReset) || sentLength == sent.body.count
        return isWhole && received.body.count == sent.body.count
            ? nil : "\(received.body.count) bytes as the whole of \(sent.body.count)\(isWhole ? "" : " and more")"
    }

    private static func length(_ fields: [(name: String, value: String)]) -> Int? {
        fields.first { $0.name.lowercased() == "content-length" }.flatMap { Int($0.value) }
    }

    /// A function's fields as its client gets them.
    private static func passed(_ fields: [(name: String, value: String)]) -> [String] {
        let named = fields.filter { $0.name.lowercased() == "connection" }.flatMap { field in
            field.value.split(separator: ",").map { $0.filter { $0 != " " }.lowercased() }
        }
        return lines(
            fields.filter { field in
                let name = field.name.lowercased()
                return !hopByHop.contains(name) && !reserved.contains(name) && !name.hasPrefix("x-invok-")
                    && !named.contains(name)
            })
    }

    /// What a client got, without what the server says itself.
    private static func heard(_ fields: [(name: String, value: String)]) -> [String] {
        let own: Set = ["date", "server", "x-request-id", "content-length", "transfer-encoding", "connection"]
        return lines(fields.filter { !own.contains($0.name.lowercased()) })
    }

    private static func lines(_ fields: [(name: String, value: String)]) -> [String] {
        fields.map { "\($0.name.lowercased()): \($0.value)" }
    }
}
