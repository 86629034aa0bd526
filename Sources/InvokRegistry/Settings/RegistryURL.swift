/// An absolute URL of a registry or of something in it (RFC 3986), as far as registries need them: `https`, `http` or `file`.
struct RegistryURL: Hashable, Sendable, CustomStringConvertible {
    let scheme: String
    /// In lower case, an IPv6 address with its brackets; empty for a file.
    let host: String
    /// `nil` for the scheme's own.
    let port: Int?
    /// Begins with a slash; as it is written.
    let path: String
    let query: String?

    /// A name and a password, decoded.
    struct UserInfo: Hashable, Sendable {
        let user: String
        let password: String
    }

    /// - Parameter text: may have user info, which `userInfo(of:)` finds, and a fragment, which is passed over.
    /// - Returns: `nil` for anything else, and for what has blanks or control characters in it.
    init?(_ text: some StringProtocol) {
        guard let mark = text.firstRange(of: "://") else { return nil }
        let scheme = text[..<mark.lowerBound].lowercased()
        guard ["https", "http", "file"].contains(scheme), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            return nil
        }
        let rest = text[mark.upperBound...].prefix { $0 != "#" }
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        let target = rest.dropFirst(authority.count)
        let place = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority[...]
        let name: Substring
        let digits: Substring
        if place.first == "[" {
            guard let end = place.firstIndex(of: "]") else { return nil }
            name = Substring(place[...end])
            digits = Substring(place[place.index(after: end)...])
        } else {
            name = Substring(place.prefix { $0 != ":" })
            digits = Substring(place.dropFirst(name.count))
        }
        guard digits.isEmpty || digits.first == ":" else { return nil }
        let number = digits.dropFirst()
        guard number.utf8.allSatisfy({ (0x30...0x39).contains($0) }), number.isEmpty || Int(number) != nil else {
            return nil
        }
        guard scheme == "file" ? authority.isEmpty : !name.isEmpty && (Int(number) ?? 1) <= 65_535 else { return nil }
        guard scheme == "file" || name.allSatisfy({ $0.isLetter || $0.isNumber || "-._:[]".contains($0) }) else {
            return nil
        }
        self.scheme = scheme
        host = name.lowercased()
        let given = Int(number)
        port = given == (scheme == "https" ? 443 : 80) ? nil : given
        let path = target.prefix { $0 != "?" }
        self.path = path.isEmpty ? "/" : String(path)
        query = path.count < target.count ? String(target.dropFirst(path.count + 1)) : nil
    }

    private init(of other: RegistryURL, path: String, query: String?) {
        (scheme, host, port) = (other.scheme, other.host, other.port)
        (self.path, self.query) = (path, query)
    }

    /// The scheme, the host and the port.
    var origin: String { "\(scheme)://\(host)\(port.map { ":\($0)" } ?? "")" }

    var description: String { origin + path + (query.map { "?\($0)" } ?? "") }

    /// What a person calls it.
    var name: String { scheme == "file" ? "the server's folder" : host + (port.map { ":\($0)" } ?? "") }

    /// The path for a message to who builds, who is not to know the server's folders.
    var shownPath: String { scheme == "file" ? fileName ?? "this" : path }

    /// The last part of the path, decoded.
    var fileName: String? {
        let name = path.split(separator: "/", omittingEmptySubsequences: false).last.flatMap { Self.decoded($0) }
        return name?.isEmpty == false ? name : nil
    }

    /// The same place with the path ending in a slash, as the base of others.
    var folder: RegistryURL { RegistryURL(of: self, path: path.hasSuffix("/") ? path : path + "/", query: nil) }

    /// - Parameter part: encoded.
    func appending(_ part: String) -> RegistryURL { RegistryURL(of: self, path: path + part, query: query) }

    /// What a reference in a document at this place means (RFC 3986 §5.2).
    func resolving(_ reference: some StringProtocol) -> RegistryURL? {
        let reference = String(reference.prefix { $0 != "#" })
        if let url = RegistryURL(reference) { return url }
        if reference.hasPrefix("//") { return RegistryURL("\(scheme):\(reference)") }
        guard reference.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        let path = reference.prefix { $0 != "?" }
        // Another scheme.
        guard !path.prefix(while: { $0 != "/" }).contains(":") else { return nil }
        let query = path.count < reference.count ? String(reference.dropFirst(path.count + 1)) : nil
        if path.isEmpty { return RegistryURL(of: self, path: self.path, query: query ?? self.query) }
        let start =
            path.hasPrefix("/") ? "" : self.path[..<(self.path.lastIndex(of: "/") ?? self.path.startIndex)] + "/"
        return RegistryURL(of: self, path: Self.withoutDots(start + path), query: query)
    }

    /// RFC 3986 §5.2.4.
    private static func withoutDots(_ path: String) -> String {
        var kept: [Substring] = []
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for part in parts {
            switch part {
            case ".": continue
            case "..": _ = kept.popLast()
            default: kept.append(part)
            }
        }
        let isFolder = parts.last.map { $0 == "." || $0 == ".." } ?? false
        return "/" + kept.joined(separator: "/") + (isFolder && !kept.isEmpty ? "/" : "")
    }

    static func userInfo(of text: some StringProtocol) -> UserInfo? {
        guard let mark = text.firstRange(of: "://") else { return nil }
        let authority = text[mark.upperBound...].prefix { !"/?#".contains($0) }
        guard let at = authority.lastIndex(of: "@") else { return nil }
        let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let user = parts.first.flatMap({ decoded($0) }), let password = decoded(parts.count > 1 ? parts[1] : "")
        else {
            return nil
        }
        return UserInfo(user: user, password: password)
    }

    /// Without percent-encoding; `nil` for what is no such text.
    static func decoded(_ text: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
