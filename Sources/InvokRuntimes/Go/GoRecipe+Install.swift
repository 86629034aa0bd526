import Invok

extension GoRecipe {
    /// Where a build finds the modules that were downloaded for it, laid out as a module proxy serves them
    /// (https://go.dev/ref/mod#goproxy-protocol).
    static let modules = "/packages"

    /// Nothing where the modules are vendored: Go takes those. What is downloaded follows from every `go.mod` of the
    /// project, since one may stand for another's module.
    func installPlan(for source: SourceArchive) throws(BuildError) -> InstallPlan? {
        guard source.files["vendor/modules.txt"] == nil, let module = try source.manifest("go.mod"),
            String(decoding: module, as: UTF8.self).contains("require")
        else { return nil }
        let names: Set<Substring> = ["go.mod", "go.sum"]
        let files = source.files.filter { path, _ in path.split(separator: "/").last.map(names.contains) ?? false }
        var environment = Self.environment(isVendored: false)
        environment["GOMODCACHE"] = "\(InstallPlan.work)/modules"
        environment["GOFLAGS"] = "-mod=mod -modcacherw"
        // Those are what the registries say.
        for name in ["GOPROXY", "GOSUMDB"] { environment[name] = nil }
        return InstallPlan(
            files: files, command: ["go", "mod", "download"], environment: environment,
            buildEnvironment: ["GOPROXY": "file://\(Self.modules)"], output: "modules/cache/download",
            destination: .build(Self.modules))
    }

    func installFailureReason(log: String) -> String {
        if log.contains("SECURITY ERROR") || log.contains("checksum mismatch") {
            return "a module is another than the one whose hash go.sum has; its name is in the log"
        }
        let lines = log.split(whereSeparator: \.isNewline)
        if let line = lines.first(where: { $0.contains(": 404 ") || $0.contains("not found: ") }) {
            let module = line.drop { $0 == " " }.replacing("go: ", with: "").prefix { $0 != ":" && $0 != " " }
            return "the module proxy has no \(module), which go.mod asks for"
        }
        if log.contains("go.mod:") { return "go.mod cannot be read; Go's message is in the log" }
        return "Go could not download what go.mod asks for; its message is in the log"
    }
}
