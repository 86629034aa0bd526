import InvokModel

/// What is left out of an upload, and why.
struct LeftOut: Hashable, Sendable {
    enum Reason: Hashable, Sendable {
        /// What every project leaves out.
        case standard
        /// By a line of `.invokignore`, as `sub/.invokignore:3`.
        case ignored(by: String)
        case secret
        case virtualEnvironment
        case packageStore
    }

    /// Relative to the project; a folder has a slash at its end.
    let path: String
    let reason: Reason
}

/// Goes through a project's folder: which files are uploaded, and what is left out.
///
/// Links that lead to something inside the project count as what they lead to. That of `node_modules` brings along what
/// Node would find beside the package's true place (`PackageFolders`).
struct ProjectWalk {
    struct File: Hashable, Sendable {
        /// In the archive.
        let path: String
        /// What is read for it, without links.
        let source: String
        let size: Int
        let isExecutable: Bool
        /// Whether a link led there.
        let isLinked: Bool
    }

    /// Sorted by their paths' bytes.
    private(set) var files: [File] = []
    private(set) var leftOut: [LeftOut] = []

    private let root: String
    private let limits: ArchiveLimits
    private let secretFiles: SecretFiles
    private var links: ProjectLinks
    private var folderCount = 0

    /// A folder on the way.
    private struct Folder {
        /// In the archive; empty for the project's.
        var path: String
        /// Where it is, without links.
        var source: String
        var rules: IgnoreRules
        /// The folders that were gone through to get here, without links.
        var chain: [String]
        /// The packages of each `node_modules` around it, the outermost first.
        var packages: [[String: String]]
        /// What its `node_modules` has besides what is there.
        var neighbours: [String: String] = [:]
    }

    /// Goes through a folder.
    /// - Parameter limits: the largest contents, and the number of files.
    /// - Throws: `Failure` that names what cannot be uploaded: links that lead out of the project or nowhere, pipes and
    ///   the like, and more than the limits allow.
    init(_ folder: String, limits: ArchiveLimits, secretFiles: SecretFiles) throws(Failure) {
        guard let root = try Files.realPath(folder) else { throw .file(folder, "read", "it is gone") }
        self.root = root
        self.limits = limits
        self.secretFiles = secretFiles
        links = ProjectLinks(root: root)
        try visit(Folder(path: "", source: root, rules: .standard, chain: [], packages: []))
        try links.finish()
        files.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        leftOut.sort { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    }

    private mutating func visit(_ folder: Folder) throws(Failure) {
        var folder = folder
        folderCount += 1
        guard folderCount <= limits.entries else { throw tooManyFiles }
        guard folder.path.split(separator: "/").count < SourceArchive.maximumDepth else {
            throw Failure(
                "invalid_archive", "'\(folder.path)' lies deeper than \(SourceArchive.maximumDepth) folders",
                nextStep: "see whether links lead in a circle there, or name it in \(IgnoreRules.fileName)")
        }
        folder.chain.append(folder.source)
        if let content = try Files.read(folder.source + "/" + IgnoreRules.fileName) {
            folder.rules = folder.rules.adding(content, of: folder.path)
        }
        var names = try Files.names(in: folder.source)
        if names.contains("node_modules") || !folder.neighbours.isEmpty {
            names.removeAll { $0 == "node_modules" }
            try visitPackages(of: &folder)
        }
        for name in names { try take(name, at: folder.source + "/" + name, in: folder) }
    }

    /// Looks at one thing in a folder, and goes into it if it is a folder itself.
    private mutating func take(_ name: String, at place: String, in folder: Folder) throws(Failure) {
        let path = folder.path.isEmpty ? name : folder.path + "/" + name
        guard let item = try links.item(at: place) else { return }
        guard try isTaken(item, path, folder.rules) else { return }
        switch item.kind {
        case .directory:
            guard !item.isLinked || !folder.chain.contains(item.source) else {
                return links.refuse(path, item, .circle)
            }
            var next = folder
            (next.path, next.source, next.neighbours) = (path, item.source, [:])
            try visit(next)
        case .file: try add(path, item)
        default:
            throw Failure(
                "invalid_archive", "'\(path)' is not a regular file",
                nextStep: "remove it, or name it in \(IgnoreRules.fileName)")
        }
    }

    /// Whether something is uploaded; notes what is not.
    private mutating func isTaken(
        _ item: ProjectLinks.Item, _ path: String, _ rules: IgnoreRules
    ) throws(Failure) -> Bool {
        let isFolder = item.kind == .directory
        func leave(_ reason: LeftOut.Reason) -> Bool {
            leftOut.append(LeftOut(path: isFolder ? path + "/" : path, reason: reason))
            return false
        }
        let verdict = rules.verdict(path, isFolder: isFolder)
        if let verdict, verdict.isExcluded { return leave(verdict.place.map { .ignored(by: $0) } ?? .standard) }
        if isFolder, verdict == nil, try Files.status(item.source + "/pyvenv.cfg") != nil {
            return leave(.virtualEnvironment)
        }
        if secretFiles.contain(path, isFolder: isFolder) { return leave(.secret) }
        if let problem = item.problem {
            links.refuse(path, item, problem)
            return false
        }
        // A link tells no more than what it leads to.
        if item.isLinked, let target = links.relative(item.source), secretFiles.contain(target, isFolder: isFolder) {
            return leave(.secret)
        }
        if item.kind == .file, secretFiles.mayHoldKey(path, size: item.size),
            SecretFiles.isKey(try Files.readRegular(item.source) ?? [])
        {
            return leave(.secret)
        }
        return true
    }

    private mutating func add(_ path: String, _ item: ProjectLinks.Item) throws(Failure) {
        guard files.count < limits.entries else { throw tooManyFiles }
        files.append(
            File(
                path: path, source: item.source, size: item.size, isExecutable: item.isExecutable,
                isLinked: item.isLinked))
    }

    private var tooManyFiles: Failure {
        Failure(
            "payload_too_large", "the project has more than \(limits.entries) files",
            nextStep: "name what the function does not need in \(IgnoreRules.fileName)")
    }

    // MARK: node_modules

    /// Goes through a folder's `node_modules`, and adds its packages to those that are found from the folder on.
    private mutating func visitPackages(of folder: inout Folder) throws(Failure) {
        let path = folder.path.isEmpty ? "node_modules" : folder.path + "/node_modules"
        var listing = PackageFolders.Listing()
        var modules = folder
        modules.path = path
        if let item = try links.item(at: folder.source + "/node_modules") {
            guard try isTaken(item, path, folder.rules) else { return }
            guard item.kind == .directory else { return try add(path, item) }
            modules.source = item.source
            modules.chain.append(item.source)
            if let content = try Files.read(item.source + "/" + IgnoreRules.fileName) {
                modules.rules = modules.rules.adding(content, of: path)
            }
            listing = try PackageFolders.listing(of: item.source)
            for store in listing.stores { leftOut.append(LeftOut(path: "\(path)/\(store)/", reason: .packageStore)) }
        }
        listing.packages.merge(folder.neighbours) { own, _ in own }
        // What Node finds further out already needs no second copy; a package that needs itself ends there.
        let around = folder.packages
        var sources: [String: String] = [:]
        for (name, place) in listing.packages { sources[name] = try Files.realPath(place) }
        let found = sources.filter { name, source in
            around.last { $0[name] != nil }?[name] == source
        }
        folder.packages.append(sources)
        modules.packages.append(sources)
        for name in listing.others { try take(name, at: modules.source + "/" + name, in: modules) }
        for (name, place) in listing.packages.sorted(by: { $0.key < $1.key }) where found[name] == nil {
            try visitPackage(name, at: place, in: modules)
        }
    }

    /// Goes into one package, which may be `@scope/name`.
    private mutating func visitPackage(_ name: String, at place: String, in modules: Folder) throws(Failure) {
        let path = modules.path + "/" + name
        var rules = modules.rules
        if let slash = name.firstIndex(of: "/") {
            // The folder of the scope is judged as any other.
            let scope = modules.path + "/" + name[..<slash]
            if let verdict = rules.verdict(scope, isFolder: true), verdict.isExcluded { return }
            let file = place.prefix(upTo: place.lastIndex(of: "/") ?? place.endIndex) + "/" + IgnoreRules.fileName
            if let content = try Files.read(String(file)) { rules = rules.adding(content, of: scope) }
        }
        guard let item = try links.item(at: place), try isTaken(item, path, rules) else { return }
        guard item.kind == .directory else { return try add(path, item) }
        var next = modules
        (next.path, next.source, next.rules) = (path, item.source, rules)
        next.neighbours =
            item.isLinked ? try PackageFolders.neighbours(of: item.source, linkedFrom: place, in: root) : [:]
        try visit(next)
    }
}
