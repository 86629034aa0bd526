import Invok

/// What is read from and written to `go.mod` (https://go.dev/ref/mod#go-mod-file).
enum GoModule {
    /// How far into a source file its imports are looked for: they come first.
    private static let importBytes = 256 << 10

    /// The path in the module line, or `nil` when there is none.
    static func path(in bytes: [UInt8]) -> String? {
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let words = withoutComment(line).split(whereSeparator: \.isWhitespace)
            guard words.count == 2, words[0] == "module" else { continue }
            let path = words[1].filter { $0 != "\"" && $0 != "`" }
            return path.isEmpty ? nil : path
        }
        return nil
    }

    /// A `go.mod`. With the archive's `vendor/modules.txt` it requires what that lists as explicit, as Go demands.
    static func text(path: String, vendored: [UInt8]? = nil) -> String {
        var text = "module \(path)\n\ngo 1.23\n"
        var module: [Substring] = []
        for line in String(decoding: vendored ?? [], as: UTF8.self).split(whereSeparator: \.isNewline) {
            if line.hasPrefix("# ") {
                module = line.dropFirst(2).split(separator: " ")
            } else if line.hasPrefix("## explicit"), module.count >= 2 {
                text += "\nrequire \(module[0]) \(module[1])\n"
                if let arrow = module.firstIndex(of: "=>") {
                    text += "replace \(module[0]) \(module[1]) => \(module[(arrow + 1)...].joined(separator: " "))\n"
                }
            }
        }
        return text
    }

    /// The path of a module whose `go.mod` was not sent, from an import of one of its own sub-packages.
    static func inferredPath(from files: [String: any ByteStream]) throws(InvokError) -> String? {
        let sources = files.filter { $0.key.hasSuffix(".go") && !$0.key.hasPrefix("vendor/") }
        let folders = Set(sources.keys.compactMap(parent))
        var candidates: Set<String> = []
        for source in sources.values {
            for path in imports(try source.beginning(importBytes)) {
                for folder in folders where path.hasSuffix("/" + folder) {
                    candidates.insert(String(path.dropLast(folder.count + 1)))
                }
            }
        }
        // The shortest is the module itself; ties are broken by the alphabet, so that a build can be repeated.
        return candidates.filter { !standardRoots.contains(String($0.prefix { $0 != "/" })) }
            .min { ($0.count, $0) < ($1.count, $1) }
    }

    private static func parent(of path: String) -> String? {
        path.lastIndex(of: "/").map { String(path[..<$0]) }
    }

    private static func imports(_ source: [UInt8]) -> [String] {
        var paths: [String] = []
        var isInBlock = false
        for line in String(decoding: source, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let text = withoutComment(line)
            let words = text.split(whereSeparator: { $0.isWhitespace })
            if words.first == "import" || isInBlock {
                paths += text.split(separator: "\"", omittingEmptySubsequences: false).dropFirst().prefix(1).map(
                    String.init)
            }
            if words.first == "import", text.contains("(") { isInBlock = true }
            if text.contains(")") { isInBlock = false }
            if words.first == "func" { break }
        }
        return paths
    }

    private static func withoutComment(_ line: Substring) -> Substring {
        var rest = line
        while let slash = rest.firstIndex(of: "/") {
            let next = line.index(after: slash)
            if next < line.endIndex, line[next] == "/" { return line[..<slash] }
            rest = line[next...]
        }
        return line
    }

    /// The first parts of the standard library's import paths.
    private static let standardRoots: Set<String> = [
        "archive", "compress", "container", "crypto", "database", "debug", "encoding", "go", "hash", "html", "image",
        "index", "internal", "io", "log", "math", "mime", "net", "os", "path", "regexp", "runtime", "sync", "testing",
        "text", "time", "unicode",
    ]
}
