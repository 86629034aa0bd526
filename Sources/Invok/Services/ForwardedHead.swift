import HTTPTypes

/// What of a request's head the function sees.
enum ForwardedHead {
    static let tokenHeader = HTTPField.Name("X-Invok-Token")!
    static let requestIDHeader = HTTPField.Name("X-Invok-Request-Id")!

    /// The token of the platform that a request carries: `X-Invok-Token`, so that a function may have its own
    /// `Authorization`, or else `Authorization: Bearer` (RFC 6750 §2.1).
    static func token(in fields: HTTPFields) -> String? {
        if let token = fields[tokenHeader] { return token }
        return bearer(in: fields)
    }

    static func bearer(in fields: HTTPFields) -> String? {
        let tokens = bearers(in: fields)
        return tokens.count == 1 ? tokens[0] : nil
    }

    /// Every bearer token of every `Authorization` line; there should be one line, but a client may send more.
    static func bearers(in fields: HTTPFields) -> [String] {
        fields[values: .authorization].flatMap { $0.split(separator: ",") }.compactMap { value in
            let parts = value.split(whereSeparator: { $0 == " " || $0 == "\t" })
            return parts.count == 2 && parts[0].lowercased() == "bearer" ? String(parts[1]) : nil
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
