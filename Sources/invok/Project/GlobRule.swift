/// A glob: `*` and `?` match within a name, `**` across folders, a trailing `/` means folders only, and a `/` elsewhere ties it
/// to the project's root.
struct GlobRule: Sendable {
    private let pattern: [Character]
    private let foldersOnly: Bool
    private let isAnchored: Bool

    init(_ line: Substring) {
        var text = line
        foldersOnly = text.hasSuffix("/")
        while text.hasSuffix("/") { text.removeLast() }
        isAnchored = text.contains("/")
        if text.hasPrefix("/") { text.removeFirst() }
        pattern = Array(text)
    }

    func matches(_ path: String, isFolder: Bool) -> Bool {
        if foldersOnly, !isFolder { return false }
        let subject =
            isAnchored ? path[...] : path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
        return Self.match(pattern[...], Array(subject)[...])
    }

    /// Tries each way to spend the stars; patterns are short and written by the project's owner.
    private static func match(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if pattern.starts(with: "**") {
            let rest = pattern.dropFirst(2)
            if rest.first == "/", match(rest.dropFirst(), text) { return true }
            return text.indices.contains { match(rest, text[$0...]) } || match(rest, [])
        }
        switch first {
        case "*":
            let reach = text.prefix { $0 != "/" }
            return (reach.startIndex...reach.endIndex).contains { match(pattern.dropFirst(), text[$0...]) }
        case "?":
            guard let character = text.first, character != "/" else { return false }
        default:
            guard text.first == first else { return false }
        }
        return match(pattern.dropFirst(), text.dropFirst())
    }
}
