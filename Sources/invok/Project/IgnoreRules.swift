/// Which files of a project are not uploaded: what every project leaves out, and what the files `.invokignore` name.
///
/// They are written as `.gitignore` is (gitignore(5)). The last line that matches decides; one in a folder's own
/// `.invokignore` is about that folder, and comes after those above it. What every project leaves out stands before all of
/// them, so that `!.vscode` brings it back. Nothing comes back from a folder that is left out, which is not even read.
struct IgnoreRules: Sendable {
    static let fileName = ".invokignore"

    static let standard = IgnoreRules(
        name: "",
        patterns: [
            // Version control and what systems leave behind.
            ".git", ".hg", ".svn", ".DS_Store", "._*", "__MACOSX", "Thumbs.db", "desktop.ini",
            // Caches that the machine makes anew.
            "__pycache__", "*.pyc", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox",
            ".ipynb_checkpoints", "**/node_modules/.cache", "**/node_modules/.vite", ".npm", ".pnpm-store",
            ".parcel-cache",
            ".turbo", ".nyc_output", ".eslintcache", ".cache/",
            // What installers make for this machine: links to programs, and its Python.
            "**/node_modules/.bin", "**/node_modules/.modules.yaml", "**/node_modules/.pnpm-workspace-state*",
            "**/node_modules/.yarn-state.yml", ".venv", "venv/",
            // Editors.
            ".idea", ".vscode", "*~", ".*.sw?", ".#*", "\\#*#", "4913",
            fileName,
        ].map { IgnorePattern($0) }.enumerated().map { ($0, $1) })

    /// A line that decided.
    struct Verdict: Hashable, Sendable {
        let isExcluded: Bool
        /// The file with its path, and the line, as `sub/.invokignore:3`; `nil` for what every project leaves out.
        let place: String?
    }

    private struct File {
        /// Of its folder, with a slash at the end; empty for the project's.
        let base: String
        let name: String
        let patterns: [(line: Int, pattern: IgnorePattern)]
    }

    /// The later one comes first.
    private var files: [File]

    private init(name: String, patterns: [(Int, IgnorePattern)]) {
        files = [File(base: "", name: name, patterns: patterns.reversed())]
    }

    /// Without anything.
    init() { files = [] }

    /// The rules in a folder that has a file of its own.
    /// - Parameters:
    ///   - folder: relative to the project; empty for the project itself.
    ///   - content: of its `.invokignore`, with any line ends, and perhaps with a byte-order mark.
    func adding(_ content: [UInt8], of folder: String) -> IgnoreRules {
        let base = folder.isEmpty ? "" : folder + "/"
        let text = content.starts(with: [0xEF, 0xBB, 0xBF]) ? content[3...] : content[...]
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let patterns = lines.enumerated().compactMap { index, line in
            IgnorePattern(line: line.last == UInt8(ascii: "\r") ? line.dropLast() : line).map { (index + 1, $0) }
        }
        var rules = self
        rules.files.insert(File(base: base, name: base + Self.fileName, patterns: patterns.reversed()), at: 0)
        return rules
    }

    /// - Parameter path: relative to the project, `/` between components; the folders that it is in are not left out.
    /// - Returns: `nil` where no line says anything.
    func verdict(_ path: String, isFolder: Bool) -> Verdict? {
        let bytes = Array(path.utf8)
        for file in files where bytes.starts(with: file.base.utf8) {
            let relative = bytes[file.base.utf8.count...]
            if let (line, pattern) = file.patterns.first(where: { $0.pattern.matches(relative, isFolder: isFolder) }) {
                return Verdict(
                    isExcluded: !pattern.isException, place: file.name.isEmpty ? nil : "\(file.name):\(line)")
            }
        }
        return nil
    }
}
