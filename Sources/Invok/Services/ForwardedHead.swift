import HTTPTypes

/// What of a request's head the function sees.
package enum ForwardedHead {
    static let tokenHeader = HTTPField.Name("X-Invok-Token")!
    static let requestIDHeader = HTTPField.Name("X-Invok-Request-Id")!
    /// The request's target as the function gets it, which some runtimes' own requests have in another spelling only.
    package static let targetHeader = HTTPField.Name("X-Invok-Target")!

    /// The tokens that a request carries, whoever they are meant for.
    package struct Tokens: Sendable {
        /// Each has to be checked, and a head of 64 KiB would hold thousands.
        static let limit = 2

        /// The bearer tokens of all `Authorization` lines; there should be one line, but a client may send more.
        let bearers: [String]
        /// The platform's: `X-Invok-Token`, so that a function may have its own `Authorization`, or else
        /// `Authorization: Bearer` (RFC 6750 §2.1), unless there are several.
        let platform: String?
        /// Its digest, by which it is known once it was looked at.
        let platformDigest: Digest?

        /// The platform's, where it is not one of the bearer tokens.
        var apart: [String] { platform.map { bearers.contains($0) ? [] : [$0] } ?? [] }

        /// - Throws: `invalid_request` for more than `limit` tokens.
        init(in fields: HTTPFields) throws(InvokError) {
            try self.init(authorizations: fields[values: .authorization], apart: fields[tokenHeader])
        }

        /// - Parameters:
        ///   - authorizations: the values of `Authorization`.
        ///   - apart: that of `X-Invok-Token`.
        /// - Throws: `invalid_request` for more than `limit` tokens.
        package init(authorizations: [String], apart: String?) throws(InvokError) {
            var bearers: [String] = []
            for value in authorizations {
                let bytes = Array(value.utf8)
                for credentials in Self.pieces(of: bytes, in: bytes.indices, at: { $0 == UInt8(ascii: ",") }) {
                    guard let bearer = Self.bearer(bytes, credentials) else { continue }
                    guard bearers.count < Self.limit else {
                        throw .invalidRequest(
                            "the request has more than \(Self.limit) bearer tokens",
                            nextStep: "send one Authorization line")
                    }
                    bearers.append(bearer)
                }
            }
            self.bearers = bearers
            platform = apart ?? (bearers.count == 1 ? bearers[0] : nil)
            platformDigest = platform.map { Digest(of: $0.utf8) }
        }

        /// The token of `Bearer TOKEN`; `nil` for anything else.
        private static func bearer(_ bytes: [UInt8], _ credentials: Range<Int>) -> String? {
            let words = pieces(of: bytes, in: credentials) { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            guard words.count == 2, String(decoding: bytes[words[0]], as: UTF8.self).lowercased() == "bearer" else {
                return nil
            }
            return String(decoding: bytes[words[1]], as: UTF8.self)
        }

        /// What is between separators and not empty. Each warm call comes by here with a token, which is long, so it takes
        /// no view of the bytes and makes none.
        private static func pieces(
            of bytes: [UInt8], in range: Range<Int>, at isSeparator: (UInt8) -> Bool
        ) -> [Range<Int>] {
            var (pieces, start) = ([Range<Int>](), range.lowerBound)
            for index in range where isSeparator(bytes[index]) {
                if start < index { pieces.append(start..<index) }
                start = index + 1
            }
            if start < range.upperBound { pieces.append(start..<range.upperBound) }
            return pieces
        }
    }

    /// Whether a client's field of this name, in any letter case, is not for the function: those that begin so are the
    /// platform's. A gateway interface (CGI, WSGI) writes `_` for `-`: a name with one would pass for another's.
    package static func isReserved(_ name: ArraySlice<UInt8>) -> Bool {
        name.contains(UInt8(ascii: "_"))
            || name.count >= 8 && zip(name, "x-invok-".utf8).allSatisfy { $0 == $1 || $0 | 0x20 == $1 && $1 != 0x2D }
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
            head.headerFields.filter { !isReserved(Array($0.name.canonicalName.utf8)[...]) })
        if dropsAuthorization { forwarded.headerFields[.authorization] = nil }
        // HTTP/2 lets clients split it (RFC 9113 §8.2.3); HTTP/1.1 and the interfaces of languages know one line.
        if let cookies = forwarded.headerFields[.cookie] {
            forwarded.headerFields[fields: .cookie] = [HTTPField(name: .cookie, value: cookies)]
        }
        forwarded.headerFields[targetHeader] = forwarded.path
        forwarded.headerFields[requestIDHeader] = requestID
        return forwarded
    }
}
