import Invok

/// What of an archive pip has to see: the requirements, and what they name in the project. What a requirement means is
/// pip's to say; here is only read where files are.
struct PythonRequirements {
    static let fileName = "requirements.txt"
    static let projectFileName = "pyproject.toml"
    /// Includes of includes, more than anybody has.
    private static let maximumFiles = 100

    private let source: SourceArchive
    /// The requirement files, each with what it says.
    private(set) var files: [String: [UInt8]] = [:]
    /// Files and folders of the project that they name.
    private(set) var localPaths: Set<String> = []
    /// Whether they ask for anything at all.
    private(set) var asksForPackages = false

    init(_ source: SourceArchive) throws(BuildError) {
        self.source = source
        _ = try read(Self.fileName)
        if !asksForPackages, let project = try source.manifest(Self.projectFileName) {
            files[Self.projectFileName] = project
            asksForPackages = Self.mayHaveDependencies(project)
        }
    }

    /// - Returns: whether there is such a file.
    private mutating func read(_ path: String) throws(BuildError) -> Bool {
        guard files[path] == nil else { return true }
        guard files.count < Self.maximumFiles, let bytes = try source.manifest(path) else { return false }
        files[path] = bytes
        let text = Self.text(bytes).replacing("\\\r\n", with: " ").replacing("\\\n", with: " ")
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
        for line in text.split(whereSeparator: \.isNewline) {
            let words = Self.words(line)
            guard let first = words.first else { continue }
            switch first {
            case "-r", "--requirement", "-c", "--constraint":
                // One that is not there is to be named.
                guard words.count > 1, let included = SourceArchive.path(words[1], in: folder), try read(included)
                else {
                    asksForPackages = true
                    continue
                }
            case "-f", "--find-links", "-e", "--editable":
                if words.count > 1, let local = SourceArchive.path(words[1], in: folder) { localPaths.insert(local) }
                if first.hasSuffix("e") || first.hasSuffix("editable") { asksForPackages = true }
            default:
                guard !first.hasPrefix("-") else { continue }
                asksForPackages = true
                if first.hasPrefix(".") || first.contains("/") || first.hasSuffix(".whl"),
                    let local = SourceArchive.path(first, in: "")
                {
                    localPaths.insert(local)
                }
            }
        }
        return true
    }

    /// In UTF-8, or in UTF-16 as PowerShell's `>` writes it.
    private static func text(_ bytes: [UInt8]) -> String {
        guard bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) else {
            return String(decoding: bytes, as: UTF8.self)
        }
        let isLittle = bytes[0] == 0xFF
        let units = stride(from: 2, to: bytes.count - 1, by: 2).map { index in
            let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
            return isLittle ? first | second << 8 : first << 8 | second
        }
        return String(decoding: units, as: UTF16.self)
    }

    /// A line's words, an option apart from its value, without the comment.
    private static func words(_ line: Substring) -> [Substring] {
        var words: [Substring] = []
        for word in line.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\u{FEFF}" }) {
            if word.hasPrefix("#") { break }
            if words.isEmpty, word.hasPrefix("--"), let equals = word.firstIndex(of: "=") {
                words += [word[..<equals], word[word.index(after: equals)...]]
            } else if words.isEmpty, word.count > 2, word.hasPrefix("-"), !word.hasPrefix("--") {
                words += [word.prefix(2), word.dropFirst(2)]
            } else {
                words.append(word)
            }
        }
        return words
    }

    private static func mayHaveDependencies(_ project: [UInt8]) -> Bool {
        text(project).contains("dependencies")
    }
}

extension PythonRecipe {
    /// Beside the function's own `vendor/`, which comes first.
    static let packages = "\(BuildPlan.shimFolder)/packages"

    func installPlan(for source: SourceArchive) throws(BuildError) -> InstallPlan? {
        let requirements = try PythonRequirements(source)
        let metadata = source.files.filter { Self.isMetadata($0.key) }
        guard requirements.asksForPackages || metadata.contains(where: { $0.key.hasSuffix("/WHEEL") }) else {
            return nil
        }
        var files = source.files(at: requirements.localPaths)
        files.merge(metadata) { $1 }
        files.merge(requirements.files) { $1 }
        files["\(BuildPlan.shimFolder)/vendored"] = Self.vendored(source)
        files["\(BuildPlan.shimFolder)/install.py"] = PackageResources.install_py
        return InstallPlan(
            files: files, command: ["python3", "-I", "-B", "\(BuildPlan.shimFolder)/install.py"], output: "packages",
            isJudge: true, destination: .bundle(Self.packages, inBuild: "/packages"))
    }

    /// What says which package lies in the archive, and for which machine.
    private static func isMetadata(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        guard parts.count == 2 || parts.count == 3 && parts[0] == "vendor" else { return false }
        let folder = parts[parts.count - 2]
        return ["METADATA", "PKG-INFO", "WHEEL"].contains(parts[parts.count - 1])
            && (folder.hasSuffix(".dist-info") || folder.hasSuffix(".egg-info"))
    }

    /// The names beside the function and in `vendor/`, a line each: packages need not bring metadata.
    private static func vendored(_ source: SourceArchive) -> [UInt8] {
        let names = source.files.keys.map { path in
            let parts = path.split(separator: "/")
            return parts.count > 1 && parts[0] == "vendor" ? parts[1] : parts[0]
        }
        return Array(Set(names).sorted().joined(separator: "\n").utf8)
    }

    func installFailureReason(log: String) -> String {
        if let sentence = BuildPlan.sentence(in: log) { return sentence }
        if log.contains("THESE PACKAGES DO NOT MATCH THE HASHES") {
            return "a package is another than the one whose hash requirements.txt has; compare the hashes in the log"
        }
        if Self.saysUnreachable(log) {
            return "the package registry did not answer pip; try again, or ask the server's operator"
        }
        if let range = log.firstRange(of: "No matching distribution found for ") {
            let name = log[range.upperBound...].prefix { $0 != " " && !$0.isNewline }
            return "no registry has \(name) for this server's Python; the log says which versions there are"
        }
        if log.contains("ResolutionImpossible") {
            return "the packages that requirements.txt asks for do not go with each other; pip says which in the log"
        }
        if let range = log.firstRange(of: "Failed building wheel for ") {
            let name = log[range.upperBound...].prefix { !$0.isWhitespace }
            return
                "\(name) has no wheel for this server's Python, and cannot be built from its source here; ask for a version "
                + "that has one"
        }
        if log.contains("metadata-generation-failed") {
            return
                "a package has no wheel for this server's Python, and cannot be built from its source here; the log says "
                + "which, ask for a version that has one"
        }
        return "pip could not install what requirements.txt asks for; its message is in the log"
    }

    private static func saysUnreachable(_ log: String) -> Bool {
        [
            "Max retries exceeded", "Connection refused", "Read timed out", "502 Server Error", "503 Server Error",
            "504 Server",
        ]
        .contains { log.contains($0) }
    }
}
