import HTTPTypes

/// Which of a function's trailer fields reach the client (RFC 9110 §6.5).
package enum TrailerRules {
    /// Whether the client has said that it takes trailers: `TE: trailers` (RFC 9110 §10.1.4). Others may lose or, worse,
    /// misread them.
    package static func areWanted(_ fields: HTTPFields) -> Bool {
        areWanted(fields[values: HTTPField.Name("TE")!])
    }

    /// - Parameter values: those of `TE`.
    static func areWanted(_ values: [String]) -> Bool {
        values.contains { value in
            value.split(separator: ",").contains { member in
                member.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased() == "trailers"
            }
        }
    }

    /// What a head alone may say: framing, routing, how to treat the content, who may see it (RFC 9110 §6.5.1).
    private static let headOnly: Set<String> = [
        "content-length", "transfer-encoding", "content-encoding", "content-type", "content-range", "host", "trailer",
        "te", "connection", "authorization", "www-authenticate", "proxy-authenticate", "proxy-authorization",
        "set-cookie", "cookie", "cache-control", "expires", "age", "date", "location", "retry-after", "vary", "warning",
        "server", "strict-transport-security", "content-security-policy", "x-request-id",
    ]

    /// - Returns: `nil` when nothing is left.
    package static func allowed(_ trailers: HTTPFields) -> HTTPFields? {
        let kept = HTTPFields(
            trailers.filter { field in
                let name = field.name.canonicalName
                return !headOnly.contains(name) && !name.hasPrefix("access-control-") && !name.hasPrefix("x-invok-")
            })
        return kept.isEmpty ? nil : kept
    }
}
