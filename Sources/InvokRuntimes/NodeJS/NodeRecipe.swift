import Invok

/// Node.js: JavaScript as it is and TypeScript compiled file by file, with Invok's own server in `.invok/`.
struct NodeRecipe: Recipe {
    let version = 5
    let launch = LaunchPlan(command: ["node"] + Self.quiet + ["/bundle/.invok/shim.mjs"])

    /// A missing `"type"` in package.json is fine here, and so is what node calls experimental.
    private static let quiet = [
        "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", "--disable-warning=ExperimentalWarning",
    ]

    func buildPlan(for source: SourceArchive) throws(BuildError) -> BuildPlan {
        var files = source.files
        for (name, content) in Self.shim { files["\(BuildPlan.shimFolder)/\(name)"] = content }
        return BuildPlan(
            files: files, executables: source.executables,
            command: ["node"] + Self.quiet + ["--experimental-vm-modules", "\(BuildPlan.shimFolder)/check.mjs"],
            environment: source.entryVariables, output: .everything)
    }

    func failureReason(log: String, of name: FunctionName) -> String {
        BuildPlan.sentence(in: log) ?? "the function does not build"
    }

    private static let shim = [
        "answer.mjs": PackageResources.answer_mjs,
        "check.mjs": PackageResources.check_mjs,
        "decorators.mjs": PackageResources.decorators_mjs,
        "entry.mjs": PackageResources.entry_mjs,
        "express.mjs": PackageResources.express_mjs,
        "functions-framework.mjs": PackageResources.functions_framework_mjs,
        "hooks.mjs": PackageResources.hooks_mjs,
        "instance.mjs": PackageResources.instance_mjs,
        "lambda.mjs": PackageResources.lambda_mjs,
        "listener.mjs": PackageResources.listener_mjs,
        "platforms.mjs": PackageResources.platforms_mjs,
        "register.mjs": PackageResources.register_mjs,
        "resolve.mjs": PackageResources.resolve_mjs,
        "shapes.mjs": PackageResources.shapes_mjs,
        "shim.mjs": PackageResources.shim_mjs,
        "tsconfig.mjs": PackageResources.tsconfig_mjs,
        "typescript.mjs": PackageResources.typescript_mjs,
    ]
}
