import Invok

/// What of a Go project serves: the package, and in it what is called.
struct GoEntry: Sendable {
    /// The folder of the package, and of its module, with its slash; empty for the project's own.
    let folder: String
    let moduleFolder: String
    let isMain: Bool
    /// Expressions of what may serve, and their names, the first choice first.
    let candidates: [(name: String, expression: String)]
    /// Whether the only candidate is a function, so that the compiler can say what is wrong with it.
    let isFunction: Bool
    /// Files that are compiled in another text than the project's.
    let rewritten: [String: [UInt8]]

    /// Those whose functions are none of Invok's, by the package that they import.
    fileprivate static let platforms = [
        (package: "aws-lambda-go", name: "AWS Lambda"), (package: "functions-framework-go", name: "Google's framework"),
    ]

    /// The largest source file that is looked into.
    private static let maximumSourceBytes = 4 << 20

    /// Reads the package's sources, which may block.
    /// - Throws: `failed` where nothing in it can serve, and says what to write.
    init(_ source: SourceArchive) throws(BuildError) {
        let path = source.functionPath
        let isFile = path.hasSuffix(".go") && source.files[path] != nil
        let folder = isFile ? Self.folder(of: path) : path == "." ? "" : path + "/"
        let names = source.files.keys.filter { name in
            name.hasPrefix(folder) && name.hasSuffix(".go") && !name.hasSuffix("_test.go")
                && !name.dropFirst(folder.count).contains("/")
        }
        .sorted()
        guard let first = names.first else {
            throw .failed(reason: "entry in config.json names '\(path)', which is no Go source", log: "")
        }
        let shown = isFile ? path : first
        var (rewritten, package) = ([String: [UInt8]](), String?.none)
        var (functions, variables, types) = ([String: GoDeclarations.Function](), Set<String>(), Set<String>())
        for name in [shown] + names.filter({ $0 != shown }) {
            guard let text = try Self.read(name, of: source) else { continue }
            let declared = GoDeclarations(text)
            if declared.isIgnored { continue }
            package = package ?? declared.package
            functions.merge(declared.functions) { first, _ in first }
            variables.formUnion(declared.variables)
            types.formUnion(declared.servingTypes)
            if let main = declared.main, declared.package == "main" {
                // What starts it on its author's machine has no part here.
                rewritten[name] = text[..<main.lowerBound] + Self.setAside + text[main.upperBound...]
            }
        }
        self.folder = folder
        self.rewritten = rewritten
        moduleFolder = Self.moduleFolder(of: folder, in: source.files)
        isMain = package ?? "main" == "main"
        let found = Found(functions: functions, variables: variables, types: types)
        (candidates, isFunction) = try found.candidates(for: source.config, in: shown, imports: names, of: source)
    }

    private static let setAside = Array("invokMain__".utf8)

    static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    }

    /// The nearest folder above with a `go.mod`.
    private static func moduleFolder(of folder: String, in files: [String: any ByteStream]) -> String {
        var folder = folder
        while !folder.isEmpty, files[folder + "go.mod"] == nil { folder = Self.folder(of: String(folder.dropLast())) }
        return folder
    }

    fileprivate static func read(_ path: String, of source: SourceArchive) throws(BuildError) -> [UInt8]? {
        do throws(InvokError) {
            return try source.files[path]?.whole(upTo: maximumSourceBytes)
        } catch {
            throw BuildError(reading: error)
        }
    }

    /// What a package declares.
    private struct Found {
        let functions: [String: GoDeclarations.Function]
        let variables: Set<String>
        let types: Set<String>

        func candidates(
            for config: FunctionConfig, in file: String, imports: [String], of source: SourceArchive
        ) throws(BuildError) -> (candidates: [(name: String, expression: String)], isFunction: Bool) {
            let own = config.name.goHandler
            let names = config.entry?.symbol.map { [$0] } ?? ["Handle", "Handler", "ServeHTTP", own]
            let suitable = names.compactMap { name in expression(of: name).map { (name: name, expression: $0) } }
            if !suitable.isEmpty {
                return (suitable, suitable.count == 1 && functions[suitable[0].name]?.takesRequests == true)
            }
            let signature = "(w http.ResponseWriter, r *http.Request)"
            // The compiler says what is wrong with it.
            if names.contains(own), functions[own]?.isGeneric == false { return ([(own, own)], true) }
            if let name = names.first(where: { functions[$0] != nil }), let other = functions[name] {
                throw .failed(
                    reason: "func \(name) in \(file) takes (\(PlainText.escapedLine(other.parameters).prefix(120))); "
                        + "write func \(name)\(signature)", log: "")
            }
            for path in imports {
                let text = String(decoding: try GoEntry.read(path, of: source) ?? [], as: UTF8.self)
                guard let platform = GoEntry.platforms.first(where: { text.contains($0.package) }) else { continue }
                throw .failed(
                    reason: "\(path) is a function of \(platform.name); write func Handle\(signature)", log: "")
            }
            if names.count == 1 {
                throw .failed(
                    reason: "\(file) has no '\(names[0])', which entry in config.json names; write func \(names[0])"
                        + signature, log: "")
            }
            // The compiler says that it is not there, and what else is wrong.
            return ([(own, own)], true)
        }

        private func expression(of name: String) -> String? {
            if let function = functions[name] { return function.serves ? name : nil }
            if variables.contains(name) || name.contains(".") { return name }
            return types.contains(name) ? "new(\(name))" : nil
        }
    }
}

extension GoDeclarations.Function {
    /// Whether it looks like one that serves, or that makes what does.
    fileprivate var serves: Bool {
        guard !isGeneric else { return false }
        return takesRequests || parameters.allSatisfy(\.isWhitespace) && results.contains("Handler")
    }

    fileprivate var takesRequests: Bool {
        !isGeneric && parameters.contains("ResponseWriter") && parameters.contains("Request")
    }
}
