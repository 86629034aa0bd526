import HTTPTypes

/// What of a function's answer reaches the client. A function speaks for itself alone, never for the whole origin that it
/// shares with others and with the API.
struct FunctionAnswerRules: Sendable {
    /// The path that is the function's own on a shared origin; `nil` on a host of its own.
    let path: String?

    /// What speaks for a whole origin, or for the server.
    private static let reserved: Set<String> = [
        "service-worker-allowed", "clear-site-data", "strict-transport-security", "alt-svc", "nel", "report-to",
        "reporting-endpoints", "public-key-pins", "public-key-pins-report-only", "origin-agent-cluster", "server",
    ]

    /// - Returns: the fields to send, and the names of cookies that were dropped.
    func apply(to fields: HTTPFields) -> (fields: HTTPFields, droppedCookies: [String]) {
        var kept = HTTPFields()
        var dropped: [String] = []
        for field in fields {
            let name = field.name.canonicalName
            if Self.reserved.contains(name) || name.hasPrefix("x-invok-") { continue }
            guard name == "set-cookie" else {
                kept.append(field)
                continue
            }
            if let cookie = limited(field.value) {
                kept.append(HTTPField(name: .setCookie, value: cookie))
            } else {
                dropped.append(String(field.value.prefix { $0 != "=" && $0 != ";" }.prefix(80)))
            }
        }
        return (kept, dropped)
    }

    /// A cookie that no other function gets (RFC 6265 §5.2): for this host alone and, where others share it, for the
    /// function's path. That keeps them from getting in each other's way, and is no wall: scripts of one origin reach all
    /// of its paths.
    /// - Returns: `nil` for one that is by its name the whole host's.
    private func limited(_ cookie: String) -> String? {
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
