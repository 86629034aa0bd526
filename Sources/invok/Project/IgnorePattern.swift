/// One line of a file like `.gitignore` (gitignore(5)).
struct IgnorePattern: Hashable, Sendable {
    /// `!`: brings back what a line before it left out.
    let isException: Bool
    private let foldersOnly: Bool
    /// Has a slash at its beginning or inside: it is about paths from the file's folder on, else about names anywhere.
    private let isAnchored: Bool
    /// The text up to the first wildcard.
    private let literal: ArraySlice<UInt8>
    /// What follows it; `nil` where the pattern has no wildcards.
    private let wildcards: Wildcards?

    /// - Parameter text: a line without its end.
    /// - Returns: `nil` for an empty line and a comment.
    init?(line text: some Sequence<UInt8>) {
        var rest = Self.trimmed(Array(text.prefix { $0 != 0 }))[...]
        guard !rest.isEmpty, rest.first != UInt8(ascii: "#") else { return nil }
        isException = rest.first == UInt8(ascii: "!")
        if isException { rest.removeFirst() }
        foldersOnly = rest.last == Wildcards.slash
        if foldersOnly { rest.removeLast() }
        isAnchored = rest.contains(Wildcards.slash)
        if isAnchored, rest.first == Wildcards.slash { rest.removeFirst() }
        // As git does: a name is matched as one, and of a path what has no wildcards is compared first, after which the
        // rest is a pattern of its own.
        let plain = rest.prefix { !Wildcards.special.contains($0) }
        let hasWildcards = plain.count < rest.count
        literal = isAnchored || !hasWildcards ? plain : []
        wildcards = hasWildcards ? Wildcards(rest[(rest.startIndex + literal.count)...], spansFolders: isAnchored) : nil
    }

    /// A pattern as it stands in this program.
    init(_ pattern: String) {
        guard let known = IgnorePattern(line: pattern.utf8) else { preconditionFailure("'\(pattern)' is no pattern") }
        self = known
    }

    /// - Parameter path: relative to the folder of the pattern's file, `/` between components.
    func matches(_ path: ArraySlice<UInt8>, isFolder: Bool) -> Bool {
        if foldersOnly, !isFolder { return false }
        let subject =
            isAnchored ? path : path[(path.lastIndex(of: Wildcards.slash).map { $0 + 1 } ?? path.startIndex)...]
        guard let wildcards else { return !literal.isEmpty && subject.elementsEqual(literal) }
        return subject.starts(with: literal) && wildcards.match(subject.dropFirst(literal.count))
    }

    /// Without the spaces at its end, but for one behind a backslash.
    private static func trimmed(_ line: [UInt8]) -> [UInt8] {
        var end = 0
        var index = 0
        while index < line.count {
            if line[index] == UInt8(ascii: "\\") {
                // A backslash at the very end keeps all before it.
                guard index + 1 < line.count else { return line }
                index += 1
                end = index + 1
            } else if line[index] != UInt8(ascii: " ") {
                end = index + 1
            }
            index += 1
        }
        return Array(line[..<end])
    }
}
