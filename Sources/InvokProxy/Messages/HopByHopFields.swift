public import HTTPTypes

extension HTTPFields {
    /// The fields that concern one connection only and are never forwarded (RFC 9110 §7.6.1), in lower case. `Expect`
    /// and `Trailer` are among them because each side of the proxy settles those for itself.
    private static let hopByHop: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te",
        "transfer-encoding", "upgrade", "expect", "trailer",
    ]

    /// What may be forwarded: the fields without the hop-by-hop ones and those that `Connection` names.
    public var forwardable: HTTPFields {
        var dropped = Self.hopByHop
        for value in self[values: .connection] {
            for option in value.split(separator: ",") {
                dropped.insert(option.trimmingSpaces.lowercased())
            }
        }
        var kept = HTTPFields()
        for field in self where !dropped.contains(field.name.canonicalName) { kept.append(field) }
        return kept
    }
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        let isSpace = { (character: Character) in character == " " || character == "\t" }
        var text = self.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text.removeLast() }
        return text
    }
}
