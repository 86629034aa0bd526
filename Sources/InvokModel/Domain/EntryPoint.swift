/// Where in an archive the function is: a file, or for Go a package's folder, and perhaps what it is called there. Written
/// `path[:symbol]`.
public struct EntryPoint: Hashable, Sendable, Codable, CustomStringConvertible {
    /// Relative to the project, `/` between components.
    public let path: String
    /// The name of what is called; `nil` for the runtime's usual names.
    public let symbol: String?

    static let maximumBytes = 512

    /// - Throws: `InvokError` with the code `invalid_config` that says how an entry is written.
    public init(_ text: String) throws(InvokError) {
        let shown = "entry is '\(text.prefix(80))', but must be"
        guard (1...Self.maximumBytes).contains(text.utf8.count) else {
            throw .invalidConfig("\(shown) a path of at most \(Self.maximumBytes) bytes")
        }
        let colon = text.lastIndex(of: ":")
        var path = text[..<(colon ?? text.endIndex)]
        while path.hasPrefix("./") { path = path.dropFirst(2) }
        if path.hasSuffix("/") { path = path.dropLast() }
        if path.isEmpty || path == "." { path = "." }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard path == "." || parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }),
            !path.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F || $0 == "\\" || $0 == ":" })
        else { throw .invalidConfig("\(shown) the path of a file of the project, as 'src/app.py:app'") }
        let symbol = colon.map { text[text.index(after: $0)...] }
        guard symbol.map(Self.isSymbol) ?? true else {
            throw .invalidConfig("\(shown) a path and, behind a colon, the name of what is called, as 'src/app.py:app'")
        }
        self.path = String(path)
        self.symbol = symbol.map(String.init)
    }

    public var description: String { symbol.map { "\(path):\($0)" } ?? path }

    /// An identifier, or several with dots between them: what all the languages have in common.
    private static func isSymbol(_ text: Substring) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.unicodeScalars.first, !("0"..."9").contains(first) else { return false }
            return part.unicodeScalars.allSatisfy { $0.properties.isXIDContinue || $0 == "$" }
        }
    }

    public init(from decoder: any Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
