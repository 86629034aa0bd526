/// What of the network a function may reach, as its author asked for it: nothing, the public internet, or a list. In JSON
/// `false`, `true`, or a list of `host[:port]`, `*.host[:port]`, addresses and CIDR ranges, these too with a port.
public enum Egress: Hashable, Sendable {
    case nothing
    /// What is public, and what the operator lists besides.
    case publicInternet
    /// Never empty.
    case list([Destination])

    package static let maximumDestinations = 100

    /// One thing of a list.
    public struct Destination: Hashable, Sendable, CustomStringConvertible {
        public enum Place: Hashable, Sendable {
            /// A host's name, in lower case.
            case host(String)
            /// All names that end with a dot and this one, in lower case.
            case below(String)
            case addresses(AddressRange)
        }

        public let place: Place
        /// `nil` for every port.
        public let port: UInt16?
    }

    /// - Throws: `InvokError` with the code `invalid_config` that names what is wrong.
    public init(list texts: [String]) throws(InvokError) {
        guard texts.count <= Self.maximumDestinations else {
            throw .invalidConfig(
                "egress has \(texts.count) entries; at most \(Self.maximumDestinations) are allowed")
        }
        var destinations: [Destination] = []
        for text in texts {
            let destination = try Destination(text)
            if !destinations.contains(destination) { destinations.append(destination) }
        }
        self = destinations.isEmpty ? .nothing : .list(destinations)
    }

    /// In a word or two, for a table.
    public var summary: String {
        switch self {
        case .nothing: "-"
        case .publicInternet: "internet"
        case .list(let destinations):
            destinations.count == 1 ? "\(destinations[0])" : "\(destinations[0]) +\(destinations.count - 1)"
        }
    }
}

extension Egress.Destination {
    /// - Throws: `InvokError` with the code `invalid_config` that says what to write instead.
    public init(_ text: String) throws(InvokError) {
        let shown = "egress has '\(text.prefix(80))'"
        guard !text.contains("://") else {
            throw .invalidConfig("\(shown), a URL: write its host alone, or host:port")
        }
        guard !text.hasPrefix("invok:") else {
            throw .invalidConfig("\(shown): calling other functions this way is not possible")
        }
        guard text != "*" else { throw .invalidConfig("\(shown): for the whole internet write \"egress\": true") }
        guard let (host, port) = Self.split(text) else {
            throw .invalidConfig("\(shown), whose port is none: write host:port with a port from 1 to 65535")
        }
        self.port = port
        if let range = AddressRange(host) {
            guard range.prefix > 0 else {
                throw .invalidConfig("\(shown): for the whole internet write \"egress\": true")
            }
            guard !text.contains("%") else { throw .invalidConfig("\(shown): an address has no zone here") }
            place = .addresses(range)
            return
        }
        let isBelow = host.hasPrefix("*.")
        let name = (isBelow ? host.dropFirst(2) : host[...]).lowercased()
        guard HostName.isValid(name) else {
            throw .invalidConfig(
                "\(shown), but must be host, host:port, *.host, an address or a range like 203.0.113.0/24:443")
        }
        place = isBelow ? .below(name) : .host(name)
    }

    /// An IPv6 address with a port stands in brackets (RFC 3986 §3.2.2), with or without its range.
    private static func split(_ text: String) -> (host: String, port: UInt16?)? {
        if text.hasPrefix("[") {
            let parts = text.dropFirst().split(separator: "]", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return (text, nil) }
            if parts[1].isEmpty { return (String(parts[0]), nil) }
            guard parts[1].hasPrefix(":"), let port = port(parts[1].dropFirst()) else { return nil }
            return (String(parts[0]), port)
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return (text, nil) }
        guard let port = port(parts[1]) else { return nil }
        return (String(parts[0]), port)
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let port = UInt16(text), port > 0 else {
            return nil
        }
        return port
    }

    public var description: String {
        let host =
            switch place {
            case .host(let name): name
            case .below(let name): "*." + name
            case .addresses(let range) where range.bytes.count == 16 && port != nil: "[\(range)]"
            case .addresses(let range): "\(range)"
            }
        return port.map { "\(host):\($0)" } ?? host
    }

    /// Whether a name is one of those that are meant.
    /// - Parameter name: in lower case, without a dot at its end.
    public func includes(name: String) -> Bool {
        switch place {
        case .host(let host): name == host
        case .below(let host): name.hasSuffix("." + host)
        case .addresses: false
        }
    }
}

extension Egress: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let isWanted = try? container.decode(Bool.self) {
            self = isWanted ? .publicInternet : .nothing
            return
        }
        let texts: [String]
        do {
            texts = try container.decode([String].self)
        } catch {
            throw InvokError.invalidConfig(
                "egress must be true, false or a list like [\"api.example.com:443\", \"*.example.org\"]")
        }
        try self.init(list: texts)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .nothing: try container.encode(false)
        case .publicInternet: try container.encode(true)
        case .list(let destinations): try container.encode(destinations.map(\.description))
        }
    }
}

/// Names of hosts (RFC 1123 §2.1), with `_`, which some have all the same.
package enum HostName {
    /// - Parameter name: in lower case.
    package static func isValid(_ name: String) -> Bool {
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        let isText = labels.allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.utf8.first != UInt8(ascii: "-")
                && label.utf8.last != UInt8(ascii: "-")
                && label.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
                    default: byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                    }
                }
        }
        // What ends in a number is an address, or none at all.
        let isNumber = labels.last?.utf8.allSatisfy { (0x30...0x39).contains($0) } ?? true
        return isText && !isNumber && name.utf8.count <= 253
    }
}
