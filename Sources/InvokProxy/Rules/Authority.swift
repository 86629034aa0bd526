import Invok

/// A host and perhaps its port, as in `Host` (RFC 9110 §7.2).
package struct Authority: Hashable, Sendable {
    /// In lower case; an IPv6 address without its brackets.
    package let name: String
    package let port: Int?

    /// - Returns: `nil` for what is none, a name of no letters too.
    package init?(_ text: some StringProtocol) {
        var rest = text[...]
        if rest.first == "[" {
            guard let end = rest.firstIndex(of: "]") else { return nil }
            let literal = rest[rest.index(after: rest.startIndex)..<end]
            guard let address = IPAddress(literal), address.bytes.count == 16 || literal.contains(":") else {
                return nil
            }
            name = address.description
            rest = rest[rest.index(after: end)...]
        } else {
            let end = rest.firstIndex(of: ":") ?? rest.endIndex
            // A dot at the end says that the name is whole, which it is.
            let given = rest[..<end].hasSuffix(".") ? rest[..<end].dropLast() : rest[..<end]
            guard !given.isEmpty, !given.contains("@"), !given.contains("/") else { return nil }
            name = given.lowercased()
            rest = rest[end...]
        }
        if rest.isEmpty {
            port = nil
        } else {
            guard rest.first == ":" else { return nil }
            let digits = rest.dropFirst()
            guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            guard digits.isEmpty || (Int(digits).map { $0 <= 65_535 } ?? false) else { return nil }
            port = Int(digits)
        }
    }

    /// Whether only this machine is meant by it (RFC 6761 §6.3).
    package var isLoopback: Bool {
        name == "localhost" || name.hasSuffix(".localhost") || (IPAddress(name)?.isLoopback ?? false)
    }
}

/// A web origin (RFC 6454), as `Origin` names one.
package struct WebOrigin: Hashable, Sendable {
    package let authority: Authority
    /// Whether its pages come by TLS.
    package let isSecure: Bool

    private var standardPort: Int { isSecure ? 443 : 80 }

    /// - Returns: `nil` for what is none, and for `null`.
    package init?(_ text: String) {
        if let rest = text.dropping(prefix: "http://") {
            isSecure = false
            guard let authority = Authority(rest) else { return nil }
            self.authority = authority
        } else if let rest = text.dropping(prefix: "https://") {
            isSecure = true
            guard let authority = Authority(rest) else { return nil }
            self.authority = authority
        } else {
            return nil
        }
    }

    /// Whether the origin's host and port are those. A host without a port is at one of the standard ones, since whether
    /// TLS ends in front of this server cannot be seen.
    package func isAt(_ other: Authority) -> Bool {
        let port = authority.port ?? standardPort
        return authority.name == other.name && (other.port.map { $0 == port } ?? [80, 443].contains(port))
    }
}

extension String {
    fileprivate func dropping(prefix: String) -> Substring? {
        prefix.utf8.count <= utf8.count && self.prefix(prefix.count).lowercased() == prefix
            ? dropFirst(prefix.count) : nil
    }
}
