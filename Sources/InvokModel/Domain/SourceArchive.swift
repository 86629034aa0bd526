/// One entry as an archive lists it, before any check.
public struct ArchiveEntry: Sendable {
    public enum Kind: Hashable, Sendable { case file, directory, symbolicLink, hardLink, other }

    public let path: String
    public let kind: Kind
    /// Whether it is a program or a script, by its Unix mode.
    public let isExecutable: Bool
    /// Is read from the archive; nothing where it is no file.
    public let content: any ByteStream

    public init(path: String, kind: Kind, isExecutable: Bool = false, content: any ByteStream = [UInt8]()) {
        self.path = path
        self.kind = kind
        self.isExecutable = isExecutable
        self.content = content
    }
}

/// The caps on an uploaded archive. They hold while it is inflated, so that a bomb costs no more than they allow.
public struct ArchiveLimits: Hashable, Sendable {
    /// The uploaded archive's size in bytes (`MAX_FUNCTION_SIZE`).
    public var archiveBytes: Int
    /// All contents together, inflated, in bytes.
    public var contentBytes: Int
    public var entries: Int

    /// Larger directories of an archive are not read: with the standard limits it is 1.6 KB for each entry.
    package static let maximumDirectoryBytes = 16 << 20

    /// For archives that were within the limits when they were uploaded.
    package static let unlimited = ArchiveLimits(archiveBytes: .max, contentBytes: .max, entries: .max)

    public init(archiveBytes: Int = 50 << 20, contentBytes: Int = 250 << 20, entries: Int = 10_000) {
        self.archiveBytes = archiveBytes
        self.contentBytes = contentBytes
        self.entries = entries
    }
}

/// The files of a function, checked: relative paths that stay inside, no links, no duplicates in any letter case.
public struct SourceArchive: Sendable {
    /// Contents by path, `/` between components. They are read from the archive, but for a configuration without its
    /// secrets and byte-order marks of texts that tools read.
    public let files: [String: any ByteStream]
    /// Those of the files that may be run.
    public let executables: Set<String>
    public let config: FunctionConfig
    /// The file that has the function, or for Go perhaps its package's folder.
    public let functionPath: String
    /// Where the archive has its `config.json`, with the folder around everything.
    private let configPath: String

    static let maximumPathBytes = 512
    package static let maximumDepth = 32

    /// Checks what an archive holds. One folder around everything is taken off, since many tools make one. The
    /// configuration is read, which may block.
    /// - Throws: `InvokError` with `invalid_archive` or what `FunctionConfig` throws, naming the entry.
    public init(entries: [ArchiveEntry]) throws(InvokError) {
        var contents: [String: any ByteStream] = [:]
        var spellings: [String: String] = [:]
        var executables: Set<String> = []
        for entry in entries {
            let path = try Self.checkedPath(entry)
            guard entry.kind == .file, !Self.isLeftBehind(path) else { continue }
            if let earlier = spellings.updateValue(path, forKey: path.lowercased()) {
                throw .invalidArchive(
                    earlier.utf8.elementsEqual(path.utf8)
                        ? "the archive has '\(path)' twice"
                        : "the archive has '\(earlier)' and '\(path)', which are one file on some disks",
                    nextStep: "keep one of them")
            }
            contents[path] = entry.content
            if entry.isExecutable { executables.insert(path) }
        }
        try Self.refuseFilesAsDirectories(spellings)
        try Self.refuseFolderTwins(contents.keys.sorted())
        let enclosing = Self.enclosingFolder(of: contents)
        contents = Self.without(enclosing, contents)
        configPath = enclosing + FunctionConfig.fileName
        guard !contents.isEmpty else {
            throw .invalidArchive("the archive has no files", nextStep: "deploy the folder that 'invok create' made")
        }
        guard let file = contents[FunctionConfig.fileName] else {
            throw .invalidArchive(
                "the archive has no config.json", nextStep: "put config.json beside the function's source file")
        }
        guard let json = try file.whole(upTo: FunctionConfig.maximumBytes) else {
            throw .invalidConfig("config.json is larger than \(FunctionConfig.maximumBytes) bytes")
        }
        let config = try FunctionConfig(json: json)
        functionPath = try Self.functionPath(of: config, in: contents)
        for path in Self.markedTexts where contents[path] != nil {
            contents[path] = try contents[path].map { (text) throws(InvokError) in try ByteOrderMark.dropped(from: text)
            }
        }
        // What is built has no secrets in it either.
        if let kept = config.withoutEnvironment { contents[FunctionConfig.fileName] = kept }
        files = contents
        self.executables = Set(executables.map { String($0.dropFirst(enclosing.count)) })
        self.config = config
    }

    /// Texts for tools that do not know byte-order marks.
    private static let markedTexts = [
        "go.mod", "go.sum", "vendor/modules.txt", "package.json", "package-lock.json", "tsconfig.json",
        "requirements.txt", "pyproject.toml",
    ]

    /// Where functions of other platforms lie.
    private static let elsewhere: [Runtime: [String]] = [
        .go: ["main.go", "handler.go", "handle.go", "api/index.go"],
        .python: [
            "main.py", "app.py", "lambda_function.py", "handler.py", "wsgi.py", "asgi.py", "index.py", "api/index.py",
            "src/main.py", "src/app.py", "app/main.py",
        ],
        .nodejs: [
            "index.js", "index.mjs", "index.ts", "app.js", "server.js", "handler.js", "main.ts", "src/index.js",
            "src/index.ts", "api/index.js", "api/index.ts",
        ],
    ]

    private static func functionPath(
        of config: FunctionConfig, in contents: [String: any ByteStream]
    ) throws(InvokError) -> String {
        guard let entry = config.entry else {
            if let path = config.runtime.sourceFileNames.first(where: { contents[$0] != nil }) { return path }
            let names = config.runtime.sourceFileNames.prefix(2).joined(separator: " or ")
            let likely = elsewhere[config.runtime]?.first { contents[$0] != nil }
            throw .invalidArchive(
                "the archive has no \(names)",
                nextStep: "name the function's source file so, or "
                    + (likely.map { "write \"entry\": \"\($0)\" in config.json" }
                        ?? "name it in config.json as \"entry\""))
        }
        if contents[entry.path] != nil { return entry.path }
        let folder = entry.path == "." ? "" : entry.path + "/"
        let isPackage = contents.keys.contains { $0.hasPrefix(folder) && $0.hasSuffix(".go") }
        if config.runtime == .go, isPackage { return entry.path }
        throw InvokError(
            .invalidConfig, "entry is '\(entry)', but the archive has no file '\(entry.path)'",
            nextStep: likely(entry, in: contents).map { "write \"entry\": \"\($0)\" and deploy again" }
                ?? "name a file of the project there, as 'src/app.py:app'")
    }

    /// What an entry as others write it means here: `lambda_function.lambda_handler`, `app.main:app`.
    private static func likely(_ entry: EntryPoint, in contents: [String: any ByteStream]) -> String? {
        let parts = entry.path.split(separator: ".").map(String.init)
        var guesses = [(parts.joined(separator: "/"), entry.symbol)]
        if entry.symbol == nil, parts.count > 1 {
            guesses.append((parts.dropLast().joined(separator: "/"), parts.last))
        }
        for (stem, symbol) in guesses {
            for path in [".py", ".js", ".mjs", ".ts", ".go"].map({ stem + $0 }) where contents[path] != nil {
                return symbol.map { "\(path):\($0)" } ?? path
            }
        }
        return nil
    }

    /// The archive as it is kept: without the environment that its configuration may have. All else is read from the
    /// archive itself. Its directory is read, which may block.
    /// - Parameter archive: what this was read from.
    /// - Throws: `invalid_archive` when the configuration is not told apart from another entry.
    public func kept(_ archive: any ByteSource) throws(InvokError) -> any ByteSource {
        guard let kept = config.withoutEnvironment else { return archive }
        if let edited = try ZipEdit.replacing(configPath, by: kept, in: archive) { return edited }
        throw .invalidArchive(
            "the env in config.json cannot be taken out of the archive", nextStep: "make the archive again")
    }

    /// Whether the archive holds an environment, which is not kept.
    package var hasEnvironment: Bool { config.withoutEnvironment != nil }

    /// What Finder puts into archives and folders, and nobody means to deploy.
    private static func isLeftBehind(_ path: String) -> Bool {
        let parts = path.split(separator: "/")
        // A file's resource fork lies beside it on disks that have none, as AppleDouble.
        return parts.contains("__MACOSX") || parts.last == ".DS_Store" || parts.last?.hasPrefix("._") == true
    }

    private static func checkedPath(_ entry: ArchiveEntry) throws(InvokError) -> String {
        let shown =
            "'" + String(entry.path.unicodeScalars.map { $0.value < 0x20 ? "?" : Character($0) }.prefix(120)) + "'"
        switch entry.kind {
        case .file, .directory: break
        case .symbolicLink, .hardLink:
            throw .invalidArchive("\(shown) is a link", nextStep: "replace it by the file that it points to")
        case .other: throw .invalidArchive("\(shown) is not a file", nextStep: "leave it out")
        }
        // A combining mark makes one character of itself and the slash before it, which then separates nothing here, but
        // does so on the disk.
        guard entry.path.count(where: { $0 == "/" }) == entry.path.utf8.count(where: { $0 == UInt8(ascii: "/") }) else {
            throw .invalidArchive("the path \(shown) has a part that begins with a combining mark")
        }
        var path = Substring(entry.path)
        while path.hasPrefix("./") { path = path.dropFirst(2) }
        if entry.kind == .directory, path.hasSuffix("/") { path = path.dropLast() }
        if entry.kind == .directory, path.isEmpty || path == "." { return "." }
        guard !path.isEmpty, path.utf8.count <= maximumPathBytes else {
            throw .invalidArchive("the path \(shown) is empty or longer than \(maximumPathBytes) bytes")
        }
        guard !path.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F || $0 == "\\" }) else {
            throw .invalidArchive("the path \(shown) has a backslash or a control character")
        }
        guard !path.hasPrefix("/") else {
            throw .invalidArchive("the path \(shown) is absolute", nextStep: "use paths relative to the project")
        }
        let components = path.split(separator: "/", omittingEmptySubsequences: false)
        guard components.count <= maximumDepth else { throw .invalidArchive("the path \(shown) is too deep") }
        guard components.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255 }) else {
            throw .invalidArchive("the path \(shown) leaves the project or has an empty part")
        }
        return String(path)
    }

    /// `a` and `a/b` cannot both be files.
    private static func refuseFilesAsDirectories(_ spellings: [String: String]) throws(InvokError) {
        for (folded, path) in spellings.sorted(by: { $0.key < $1.key }) {
            var parent = folded[...]
            while let slash = parent.lastIndex(of: "/") {
                parent = parent[..<slash]
                if let file = spellings[String(parent)] {
                    throw .invalidArchive("the archive has '\(file)' as a file and '\(path)' inside it")
                }
            }
        }
    }

    /// Two spellings of one folder in Unicode (NFC and NFD) are two folders on some disks and one on others.
    private static func refuseFolderTwins(_ paths: [String]) throws(InvokError) {
        // Strings are equal here when they are so to a reader, whatever their bytes are.
        var spellings: [Substring: Substring] = [:]
        for path in paths {
            var folder = path[...]
            while let slash = folder.lastIndex(of: "/") {
                folder = folder[..<slash]
                guard let earlier = spellings.updateValue(folder, forKey: folder) else { continue }
                guard earlier.utf8.elementsEqual(folder.utf8) else {
                    throw .invalidArchive(
                        "the archive has the folder '\(folder)' in two spellings of Unicode",
                        nextStep: "rename one of them")
                }
                break
            }
        }
    }

    /// The one folder around everything, with its slash; empty where there is none.
    private static func enclosingFolder(of contents: [String: any ByteStream]) -> Substring {
        guard contents[FunctionConfig.fileName] == nil, let first = contents.keys.first,
            let slash = first.firstIndex(of: "/"), contents.keys.allSatisfy({ $0.hasPrefix(first[...slash]) })
        else { return "" }
        return first[...slash]
    }

    private static func without(
        _ folder: Substring, _ contents: [String: any ByteStream]
    ) -> [String: any ByteStream] {
        guard !folder.isEmpty else { return contents }
        return Dictionary(
            uniqueKeysWithValues: contents.map { (String($0.key.dropFirst(folder.count)), $0.value) })
    }
}
