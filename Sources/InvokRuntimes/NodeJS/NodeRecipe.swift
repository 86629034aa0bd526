import Invok

/// Node.js: JavaScript and TypeScript as they are, with Invok's own server in `.invok/`.
struct NodeRecipe: Recipe {
    let version = 3
    let launch = LaunchPlan(command: ["node"] + Self.quiet + ["/bundle/.invok/shim.mjs"])

    /// A missing `"type"` in package.json is fine here, and so is TypeScript.
    private static let quiet = [
        "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--disable-warning=ExperimentalWarning",
    ]

    func buildPlan(for source: SourceArchive) throws(BuildError) -> BuildPlan {
        var files = source.files
        files["\(BuildPlan.shimFolder)/shim.mjs"] = PackageResources.shim_mjs
        files["\(BuildPlan.shimFolder)/answer.mjs"] = PackageResources.answer_mjs
        files["\(BuildPlan.shimFolder)/entry.mjs"] = PackageResources.entry_mjs
        files["\(BuildPlan.shimFolder)/check.mjs"] = PackageResources.check_mjs
        return BuildPlan(
            files: files, executables: source.executables,
            command: ["node"] + Self.quiet + ["--experimental-vm-modules", "\(BuildPlan.shimFolder)/check.mjs"],
            environment: source.entryVariables, output: .everything)
    }

    func failureReason(log: String, of name: FunctionName) -> String {
        BuildPlan.sentence(in: log) ?? "the function does not build"
    }
}
