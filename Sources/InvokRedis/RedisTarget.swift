public import Invok

/// Where a Redis server is: a checked `REDIS_URL`.
///
/// It carries the password, so it is never printed; `description` is what logs and errors say of it.
public struct RedisTarget: Hashable, Sendable, CustomStringConvertible {
    enum Address: Hashable, Sendable {
        case tcp(host: String, port: Int32)
        case unix(path: String)
    }

    let address: Address
    let user: String?
    let password: String?
    let database: Int

    public var description: String {
        switch address {
        case .tcp(let host, let port): "\(host.contains(":") ? "[\(host)]" : host):\(port)/\(database)"
        case .unix(let path): "\(path)/\(database)"
        }
    }

    /// - Parameter url: `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]` or `unix://[[USER]:PASSWORD@]/PATH[?db=N]`.
    /// - Throws: `invalid_config`, without quoting the URL.
    public init(url: String) throws(InvokError) {
        guard let separator = url.firstRange(of: "://") else { throw Self.unreadable }
        var rest = url[separator.upperBound...]
        (user, password) = try Self.credentials(&rest)
        switch url[..<separator.lowerBound] {
        case "redis":
            let (authority, path) = Self.split(rest, at: "/")
            address = try Self.address(authority)
            database = try Self.database(path ?? "")
        case "unix":
            let (path, query) = Self.split(rest, at: "?")
            guard path.hasPrefix("/"), let decoded = Self.decoded(path) else { throw Self.unreadable }
            address = .unix(path: decoded)
            guard (query ?? "db=0").hasPrefix("db=") else { throw Self.unreadable }
            database = try Self.database((query ?? "db=0").dropFirst(3))
        case "rediss":
            throw InvokError(
                .invalidConfig, "REDIS_URL asks for TLS (rediss://), which this build does not speak to Redis",
                nextStep: "use redis:// within a private network, or a TLS tunnel on this machine (stunnel)")
        default: throw Self.unreadable
        }
    }

    /// What makes the way to the server unsafe, each a sentence for the operator.
    public var warnings: [String] {
        guard case .tcp(let host, _) = address else { return [] }
        var sentences: [String] = []
        if !Loopback.contains(host) {
            sentences.append(
                "Redis at \(self) is reached without encryption: keep the network between to this installation alone, or "
                    + "use a TLS tunnel on this machine")
        }
        if password == nil {
            sentences.append(
                "Redis at \(self) has no password: whoever reaches it can lift rate limits and stop deploys; set "
                    + "requirepass there, and the password in REDIS_URL")
        }
        return sentences
    }

    private static let unreadable = InvokError(
        .invalidConfig, "REDIS_URL is not the URL of a Redis server",
        nextStep: "write it as redis://:PASSWORD@HOST:PORT/DATABASE or unix:///PATH, with %XX for special characters")

    private static func credentials(_ rest: inout Substring) throws(InvokError) -> (user: String?, password: String?) {
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard let at = authority.lastIndex(of: "@") else { return (nil, nil) }
        let (user, password) = split(authority[..<at], at: ":")
        rest = rest[rest.index(after: at)...]
        guard let user = decoded(user), let password = decoded(password ?? "") else { throw unreadable }
        return (user.isEmpty ? nil : user, password.isEmpty ? nil : password)
    }

    private static func address(_ authority: Substring) throws(InvokError) -> Address {
        var (host, port): (Substring, Substring?)
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = authority[authority.index(after: authority.startIndex)..<end]
            let tail = authority[authority.index(after: end)...]
            guard tail.isEmpty || tail.hasPrefix(":") else { throw unreadable }
            port = tail.isEmpty ? nil : tail.dropFirst()
        } else {
            (host, port) = split(authority, at: ":")
        }
        guard !host.isEmpty, let host = decoded(host), let number = Int32(port ?? "6379"), (1...65_535).contains(number)
        else { throw unreadable }
        return .tcp(host: host, port: number)
    }

    private static func database(_ text: Substring) throws(InvokError) -> Int {
        guard !text.isEmpty else { return 0 }
        guard let number = Int(text), number >= 0 else { throw unreadable }
        return number
    }

    private static func split(_ text: Substring, at separator: Character) -> (Substring, Substring?) {
        guard let index = text.firstIndex(of: separator) else { return (text, nil) }
        return (text[..<index], text[text.index(after: index)...])
    }

    /// Undoes percent-encoding (RFC 3986, section 2.1).
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
                value != 0
            else { return nil }
            bytes.append(value)
            rest.removeFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
