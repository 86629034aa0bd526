import HTTPTypes

/// What of a function's answer reaches the client. A function speaks for itself alone, never for the whole origin that it
/// shares with others and with the API.
package struct FunctionAnswerRules: Sendable {
    /// The path that is the function's own on a shared origin; `nil` on a host of its own.
    package let path: String?

    package init(path: String?) { self.path = path }

    /// What speaks for a whole origin, or for the server.
    private static let reserved = FieldNames([
        "service-worker-allowed", "clear-site-data", "strict-transport-security", "alt-svc", "nel", "report-to",
        "reporting-endpoints", "public-key-pins", "public-key-pins-report-only", "origin-agent-cluster", "server",
    ])

    /// Whether a field of this name is dropped.
    static func isReserved(_ name: ArraySlice<UInt8>) -> Bool {
        reserved.contains(name) || Characters.hasPrefix(name, "x-invok-")
    }

    /// What the gateway says itself.
    private static let replaced = FieldNames(["date", "x-request-id"])

    /// The fields of a function's answer as its client gets them.
    /// - Parameter dropped: gets the names of cookies that were dropped.
    func fields(
        of head: MessageHead, dropped: inout [String]
    ) -> [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] {
        let hopByHop = HopByHopFields(connection: head.values("connection"))
        var kept: [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] = []
        kept.reserveCapacity(head.fields.count)
        for field in head.fields {
            let (name, value) = (head.name(field), head.value(field))
            if hopByHop.contains(name) || Self.isReserved(name) || Self.replaced.contains(name) { continue }
            guard Characters.areEqual(name, "set-cookie") else {
                kept.append((name, value))
                continue
            }
            let cookie = String(decoding: value, as: UTF8.self)
            if let limited = limited(cookie) {
                kept.append((name, Array(limited.utf8)[...]))
            } else {
                dropped.append(Self.name(ofCookie: cookie))
            }
        }
        return kept
    }

    /// - Returns: the fields to send, and the names of cookies that were dropped.
    package func apply(to fields: HTTPFields) -> (fields: HTTPFields, droppedCookies: [String]) {
        var kept = HTTPFields()
        var dropped: [String] = []
        for field in fields {
            if Self.isReserved(Array(field.name.canonicalName.utf8)[...]) { continue }
            guard field.name == .setCookie else {
                kept.append(field)
                continue
            }
            if let cookie = limited(field.value) {
                kept.append(HTTPField(name: .setCookie, value: cookie))
            } else {
                dropped.append(Self.name(ofCookie: field.value))
            }
        }
        return (kept, dropped)
    }

    /// A cookie that no other function gets (RFC 6265 §5.2): for this host alone and, where others share it, for the
    /// function's path. That keeps them from getting in each other's way, and is no wall: scripts of one origin reach all
    /// of its paths.
    /// - Returns: `nil` for one that is by its name the whole host's.
    func limited(_ cookie: String) -> String? {
        let parts = cookie.split(separator: ";", omittingEmptySubsequences: false).map(Self.trimmed)
        guard let pair = parts.first, !pair.isEmpty else { return nil }
        guard let path else {
            return parts.filter { !Self.isAttribute($0, "domain") }.joined(separator: "; ")
        }
        // Browsers read these names in any letter case.
        guard !pair.lowercased().hasPrefix("__host-") else { return nil }
        // The last one counts.
        let given = parts.dropFirst().last { Self.isAttribute($0, "path") }.map { part in
            Self.trimmed(part.drop { $0 != "=" }.dropFirst())
        }
        let isWithin = given.map { $0 == path || $0.hasPrefix(path + "/") } ?? false
        let rest = parts.filter { !Self.isAttribute($0, "domain") && !Self.isAttribute($0, "path") }
        return (rest + ["Path=\(isWithin ? given ?? path : path)"]).joined(separator: "; ")
    }

    static func name(ofCookie cookie: String) -> String {
        String(cookie.prefix { $0 != "=" && $0 != ";" }.prefix(80))
    }

    private static func isAttribute(_ part: String, _ name: String) -> Bool {
        trimmed(part.prefix { $0 != "=" }).lowercased() == name
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        var text = Substring(text).drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return String(text)
    }
}
