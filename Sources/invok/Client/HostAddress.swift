import InvokModel

/// Where an invok-core listens: `http://localhost:3000`.
struct HostAddress: Hashable, CustomStringConvertible, Sendable {
    enum Scheme: String { case http, https }

    static let standard = HostAddress(scheme: .http, name: "localhost", port: 3000)

    let scheme: Scheme
    /// A host name or an address, an IPv6 one in brackets.
    let name: String
    /// `nil`: the scheme's own.
    let port: Int?

    private init(scheme: Scheme, name: String, port: Int?) {
        self.scheme = scheme
        self.name = name
        self.port = port
    }

    /// Reads `[scheme://]name[:port][/]`. Without a scheme, this machine is spoken to by http and any other by https.
    init(_ text: String) throws(Failure) {
        var rest = Substring(text)
        var scheme: Scheme?
        if let separator = rest.firstRange(of: "://") {
            guard let known = Scheme(rawValue: rest[..<separator.lowerBound].lowercased()) else {
                throw Self.invalid(text)
            }
            scheme = known
            rest = rest[separator.upperBound...]
        }
        while rest.hasSuffix("/") { rest.removeLast() }
        var port: Int?
        let afterBracket = rest.lastIndex(of: "]") ?? rest.startIndex
        if let colon = rest[afterBracket...].lastIndex(of: ":") {
            guard let number = Int(rest[rest.index(after: colon)...]), (1...65_535).contains(number) else {
                throw Self.invalid(text)
            }
            port = number
            rest = rest[..<colon]
        }
        guard !rest.isEmpty, rest.hasPrefix("[") == rest.hasSuffix("]"), rest.unicodeScalars.allSatisfy(Self.isAllowed)
        else { throw Self.invalid(text) }
        let name = rest.lowercased()
        self.init(scheme: scheme ?? (Loopback.contains(name) ? .http : .https), name: name, port: port)
    }

    /// The first that says anything: the option, the environment, the last login.
    static func choose(
        option: String?, environment: [String: String], remembered: String?
    ) throws(Failure) -> HostAddress {
        for text in [option, environment["INVOK_HOST"], remembered] {
            if let text, !text.isEmpty { return try HostAddress(text) }
        }
        return .standard
    }

    var description: String { "\(scheme.rawValue)://\(name)" + (port.map { ":\($0)" } ?? "") }

    /// This machine: what is sent there crosses no network.
    var isLocal: Bool { Loopback.contains(name) }

    /// Whoever is on the way can read what is sent.
    var isReadableOnTheWay: Bool { scheme == .http && !isLocal }

    private static func isAllowed(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII
            && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "-._:[]".contains(Character(scalar)))
    }

    private static func invalid(_ text: String) -> Failure {
        .usage("'\(text)' is not the address of a server", nextStep: "write it as http://localhost:3000")
    }
}
