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

    private let rules: [GlobRule]

    /// - Parameter text: the content of `.invokignore`; empty where there is none.
    /// - Throws: `Failure` for `!`, which other tools take as an exception and this one does not know.
    init(_ text: String = "") throws(Failure) {
        var rules = Self.always.map { GlobRule($0[...]) }
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            let line = Self.trimmed(line)
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard !line.hasPrefix("!") else {
                throw Failure(
                    "invalid_ignore_file", "line \(index + 1) of \(Self.fileName) is '\(line)': exceptions are unknown",
                    nextStep: "name only what is to be left out")
            }
            rules.append(GlobRule(line))
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
}
