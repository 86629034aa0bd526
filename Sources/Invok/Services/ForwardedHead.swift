import HTTPTypes

/// What of a request's head the function sees.
enum ForwardedHead {
    static let tokenHeader = HTTPField.Name("X-Invok-Token")!
    static let requestIDHeader = HTTPField.Name("X-Invok-Request-Id")!

    /// The tokens that a request carries, whoever they are meant for.
    struct Tokens: Sendable {
        /// Every bearer token of every `Authorization` line; there should be one line, but a client may send more.
        let bearers: [String]
        /// The platform's: `X-Invok-Token`, so that a function may have its own `Authorization`, or else
        /// `Authorization: Bearer` (RFC 6750 §2.1), unless there are several.
        let platform: String?

        init(in fields: HTTPFields) {
            bearers = fields[values: .authorization].flatMap { $0.utf8.split(separator: UInt8(ascii: ",")) }
                .compactMap { value in
                    let parts = value.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.map(Substring.init)
                    return parts.count == 2 && parts[0].lowercased() == "bearer" ? String(parts[1]) : nil
                }
            platform = fields[tokenHeader] ?? (bearers.count == 1 ? bearers[0] : nil)
        }
    }

    /// - Parameters:
    ///   - rest: the sub-path and query behind the function's name, as it came.
    ///   - dropsAuthorization: whether `Authorization` held the platform's token, which a function must never see.
    static func make(
        _ head: HTTPRequest, name: FunctionName, rest: String, requestID: String, dropsAuthorization: Bool
    ) -> HTTPRequest {
        var forwarded = head
        forwarded.path = "/\(name)\(rest)"
        forwarded.headerFields = HTTPFields(
            head.headerFields.filter { !$0.name.canonicalName.hasPrefix("x-invok-") })
        if dropsAuthorization { forwarded.headerFields[.authorization] = nil }
        forwarded.headerFields[requestIDHeader] = requestID
        return forwarded
    }
}
