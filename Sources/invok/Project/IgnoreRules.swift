/// Which files of a project are not uploaded: what every project leaves out, and what its `.invokignore` names.
///
/// A line of `.invokignore` is a glob: `*` and `?` match within a name, `**` across folders, a trailing `/` means
/// folders only, and a `/` elsewhere ties it to the project's root. Empty lines and those that start with `#` say
/// nothing.
struct IgnoreRules: Sendable {
    static let fileName = ".invokignore"

    private static let always = [
        // Version control and what systems leave behind.
        ".git", ".hg", ".svn", ".DS_Store", "Thumbs.db",
        // Caches that the machine makes anew.
        "node_modules/.cache", "__pycache__", "*.pyc",
        // Editors.
        ".idea", ".vscode", "*~", ".*.sw?", ".#*", "#*#", "4913",
        // This tool: a login must never travel with the code.
        ".serverless-cli-auth", fileName,
    ]

    private struct Rule {
        let pattern: [Character]
        let foldersOnly: Bool
        let isAnchored: Bool

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
            return IgnoreRules.match(pattern[...], Array(subject)[...])
        }
    }

    private let rules: [Rule]

    /// - Parameter text: the content of `.invokignore`; empty where there is none.
    /// - Throws: `Failure` for `!`, which other tools take as an exception and this one does not know.
    init(_ text: String = "") throws(Failure) {
        var rules = Self.always.map { Rule($0[...]) }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = Self.trimmed(line)
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard !line.hasPrefix("!") else {
                throw Failure(
                    "invalid_ignore_file", "line \(index + 1) of \(Self.fileName) is '\(line)': exceptions are unknown",
                    nextStep: "name only what is to be left out")
            }
            rules.append(Rule(line))
        }
        self.rules = rules
    }

    /// - Parameter path: relative to the project, `/` between components.
    func excludes(_ path: String, isFolder: Bool) -> Bool {
        rules.contains { $0.matches(path, isFolder: isFolder) }
    }

    private static func trimmed(_ line: Substring) -> Substring {
        var line = line
        while let last = line.last, last.isWhitespace { line.removeLast() }
        return line
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
