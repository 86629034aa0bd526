/// The language a function is written in. Raw values are what `config.json` and the API say.
public enum Runtime: String, Sendable, Hashable, CaseIterable, Codable {
    case go
    case python
    case nodejs

    /// The file names that hold the function, the first being what `invok create` writes.
    public var sourceFileNames: [String] {
        switch self {
        case .go: ["function.go"]
        case .python: ["function.py"]
        case .nodejs: ["function.js"] + ["ts", "tsx", "mts", "cts", "mjs", "cjs", "jsx"].map { "function.\($0)" }
        }
    }
}

/// Who may invoke a function.
public enum Access: String, Sendable, Hashable, CaseIterable, Codable {
    /// Whoever has a token that may invoke in the function's namespace.
    case `private`
    /// Anybody who knows the URL.
    case `public`
}

/// What a user may do, in general and, through a `Grant`, in a namespace of another.
public enum Role: String, Sendable, Hashable, CaseIterable, Codable {
    /// All that a developer may, and share the namespace with others.
    case admin
    /// Deploy, change and delete functions, and all that a viewer may.
    case developer
    /// See functions, versions and logs, and invoke.
    case viewer
}
