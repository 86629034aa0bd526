import Invok

/// Go: the user's package, a generated `main` and the server package become one static binary, and what is no source lies
/// beside it.
struct GoRecipe: Recipe {
    let version = 4
    let launch = LaunchPlan(command: ["/bundle/\(BuildPlan.shimFolder)/\(BuildPlan.programName)"])

    /// The user's files lie in a folder of their own, so that none of them is in the way of the binary.
    private static let sourceFolder = "src"
    /// The largest `go.mod` or `vendor/modules.txt`.
    private static let maximumModuleBytes = 4 << 20

    func buildPlan(for source: SourceArchive) throws(BuildError) -> BuildPlan {
        var files = source.files
        let entry = try GoEntry(source)
        let root = entry.moduleFolder
        files.merge(entry.rewritten.mapValues { $0 as any ByteStream }) { $1 }
        let module = try modulePath(in: root, of: source, files: &files)
        let shim = Self.unusedName(in: files, root, suffix: "")
        files["\(root)\(shim)/serve.go"] = PackageResources.shim_go
        // What serves is in the package of `main` itself, or imported by one that is made for it.
        let folder = entry.isMain ? entry.folder : root + Self.unusedName(in: files, root, suffix: "_main") + "/"
        let package =
            module
            + (entry.folder.dropFirst(root.count).isEmpty ? "" : "/" + entry.folder.dropFirst(root.count).dropLast())
        files[folder + Self.unusedName(in: files, folder, suffix: "_main.go")] = Array(
            Self.main(entry, shim: "\(module)/\(shim)", package: package).utf8)

        let isWorkspace = files["go.work"] != nil && root.isEmpty
        return BuildPlan(
            files: Dictionary(uniqueKeysWithValues: files.map { ("\(Self.sourceFolder)/\($0.key)", $0.value) }),
            executables: source.executables, beside: source.files.filter { !Self.isSource($0.key) },
            command: ["go", "build", "-C", "\(Self.sourceFolder)/\(root)"] + Self.compilerFlags
                + ["-ldflags=-s -w", "-o", Self.up(from: root) + "\(BuildPlan.shimFolder)/\(BuildPlan.programName)"]
                + ["./" + folder.dropFirst(root.count)],
            environment: Self.environment(
                isVendored: files[root + "vendor/modules.txt"] != nil, isWorkspace: isWorkspace),
            output: .folder(BuildPlan.shimFolder))
    }

    /// The way from a module's folder to that of the build.
    private static func up(from root: String) -> String {
        String(repeating: "../", count: 1 + root.count { $0 == "/" })
    }

    /// The module's path, of its `go.mod`, or of one that is made where the project has none.
    private func modulePath(
        in root: String, of source: SourceArchive, files: inout [String: any ByteStream]
    ) throws(BuildError) -> String {
        let name = source.config.name
        if let given = try source.manifest(root + "go.mod", upTo: Self.maximumModuleBytes) {
            guard let path = GoModule.path(in: given) else {
                throw .failed(reason: "go.mod has no module line; start it with 'module \(name)'", log: "")
            }
            return path
        }
        let module: String
        do throws(InvokError) {
            module = try GoModule.inferredPath(from: files) ?? "invok/\(name)"
        } catch {
            throw BuildError(reading: error)
        }
        let vendored = try source.manifest("vendor/modules.txt", upTo: Self.maximumModuleBytes)
        files["go.mod"] = Array(GoModule.text(path: module, vendored: vendored).utf8)
        return module
    }

    /// Whether the program has what is in the file, or has no use for it.
    private static func isSource(_ path: String) -> Bool {
        path.hasSuffix(".go") || path.hasPrefix("vendor/") || path.contains("/vendor/")
            || ["go.mod", "go.sum", "go.work", "go.work.sum"].contains(path.split(separator: "/").last.map(String.init))
    }

    /// What packages are compiled with must be the same for all, or none would find another's in the build cache.
    static let compilerFlags = ["-trimpath", "-buildvcs=false"]

    static func environment(isVendored: Bool, isWorkspace: Bool = false) -> [String: String] {
        [
            "CGO_ENABLED": "0", "GOENV": "off",
            "GOFLAGS": isVendored ? "-mod=vendor" : isWorkspace ? "-mod=readonly" : "-mod=mod",
            "GOPROXY": "off", "GOSUMDB": "off", "GOTELEMETRY": "off", "GOTOOLCHAIN": "local",
            "GOWORK": isWorkspace ? "" : "off",
        ]
    }

    func failureReason(log: String, of name: FunctionName) -> String {
        let handler = name.goHandler
        func says(_ text: String) -> Bool { log.contains(text) }
        if says("undefined: \(handler)") || says("undefined: \(Self.functionAlias).\(handler)") {
            return
                "the function has no func \(handler)(w http.ResponseWriter, r *http.Request), which '\(name)' needs; "
                + "Handle, Handler and ServeHTTP do too, also as an http.Handler"
        }
        if says("cannot use \(handler)") || says("cannot use \(Self.functionAlias).\(handler)") {
            return "\(handler) must be func \(handler)(w http.ResponseWriter, r *http.Request)"
        }
        if says("not exported by package") {
            return "what serves in a package other than main needs a name that begins with a capital letter"
        }
        if says("ambiguous import: found package") {
            return "the module in go.mod is named like a package of Go itself; rename it, as to 'module invok/\(name)'"
        }
        if says("found packages ") {
            return "the files in one folder must all be of one package, such as package main"
        }
        if says("requires go >=") || says("requires go1.") {
            return "go.mod asks for a newer Go than this server has; lower its go line"
        }
        if says("to add it:") || says("updates to go.mod needed") || says("updating go.sum")
            || says("file://\(Self.modules)/")
        {
            return "go.mod or go.sum lacks something that the sources import; run 'go mod tidy' and deploy again"
        }
        if says("no required module provides package") || says("cannot find module providing package") {
            return
                "the sources import a package that no module in go.mod has; run 'go mod tidy' and deploy again, where builds "
                + "reach no registry after 'go mod vendor'"
        }
        if says("GOPROXY=off") || says("vendor/modules.txt") || says("cannot find module")
            || says("missing go.sum entry")
        {
            return "modules cannot be fetched during a build; run 'go mod vendor' and deploy with the vendor folder"
        }
        return "the function does not compile"
    }

    private static let functionAlias = "invokFunction__"

    /// Imports and package-level names share one space in Go, so the aliases are ones that nobody writes.
    private static func main(_ entry: GoEntry, shim: String, package: String) -> String {
        let prefix = entry.isMain ? "" : functionAlias + "."
        func expression(_ text: String) -> String {
            text.hasPrefix("new(") ? "new(\(prefix)\(text.dropFirst(4))" : prefix + text
        }
        let serve =
            entry.isFunction
            ? "Serve(\(expression(entry.candidates[0].expression)))"
            : "ServeFirst("
                + entry.candidates.map { "invokShim__.Named{\"\($0.name)\", \(expression($0.expression))}" }
                .joined(separator: ", ") + ")"
        return """
            // Code generated by Invok. DO NOT EDIT.

            package main

            import invokShim__ "\(shim)"
            \(entry.isMain ? "" : "import \(functionAlias) \"\(package)\"\n")
            func main() { invokShim__.\(serve) }

            """
    }

    private static func unusedName(in files: [String: any ByteStream], _ folder: String, suffix: String) -> String {
        let taken = Set(
            files.keys.filter { $0.hasPrefix(folder) }.map {
                $0.dropFirst(folder.count).prefix { $0 != "/" }.lowercased()
            })
        let names = (1...taken.count + 1).map { ($0 == 1 ? "invokshim" : "invokshim\($0)") + suffix }
        return names.first { !taken.contains($0) } ?? "invokshim\(suffix)"
    }
}
