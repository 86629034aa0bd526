import Invok

/// What Invok knows of one language: how an archive becomes a bundle and how a bundle is started. Pure: it says what is to be done, and an adapter does it.
public struct RuntimeSupport: Sendable {
    private let recipe: any Recipe

    /// The support for a runtime; there is one for each.
    public static func of(_ runtime: Runtime) -> RuntimeSupport {
        switch runtime {
        case .go: RuntimeSupport(recipe: GoRecipe())
        case .python: RuntimeSupport(recipe: PythonRecipe())
        case .nodejs: RuntimeSupport(recipe: NodeRecipe())
        }
    }

    /// Grows whenever the same archive would give another bundle, so that old bundles are not taken for new ones.
    public var recipeVersion: Int { recipe.version }

    /// How an instance of any bundle of this runtime is started.
    public var launch: LaunchPlan { recipe.launch }

    /// How the archive is built. Files that say how are read, which may block.
    /// - Throws: `BuildError.failed` when the archive cannot be built, whatever the machine; what reading throws.
    public func buildPlan(for source: SourceArchive) throws(BuildError) -> BuildPlan {
        if let path = source.files.keys.sorted().first(where: isReserved) {
            throw .failed(
                reason: "the archive has '\(path)', but the name .invok is kept for Invok; rename it", log: "")
        }
        return try recipe.buildPlan(for: source)
    }

    /// How the packages are fetched that the archive asks for and does not bring along. Manifests are read, which may block.
    /// - Returns: `nil` where it asks for none.
    /// - Throws: `BuildError.failed` when a manifest cannot be read, whatever the machine; what reading throws.
    public func installPlan(for source: SourceArchive) throws(BuildError) -> InstallPlan? {
        try recipe.installPlan(for: source)
    }

    /// Why packages could not be installed, in a sentence that says what to do, read from what the plan's command printed.
    public func installFailureReason(log: String) -> String { recipe.installFailureReason(log: log) }

    /// Why a build failed, in a sentence that says what to do, read from what the plan's command printed.
    /// - Parameters:
    ///   - log: the standard output and error of the command, which ended with another status than 0.
    ///   - name: the function that was built.
    public func failureReason(log: String, of name: FunctionName) -> String {
        recipe.failureReason(log: log, of: name)
    }

    private func isReserved(_ path: String) -> Bool {
        let folded = path.lowercased()
        return folded == BuildPlan.shimFolder || folded.hasPrefix(BuildPlan.shimFolder + "/")
    }
}

extension SourceArchive {
    /// What tells a script in the build where the function is, as it tells the shim.
    var entryVariables: [String: String] {
        config.entry.map { [InstanceSpec.entryVariable: $0.description] } ?? [:]
    }
}

/// One runtime's part of `RuntimeSupport`, which documents the requirements.
protocol Recipe: Sendable {
    var version: Int { get }
    var launch: LaunchPlan { get }
    func installPlan(for source: SourceArchive) throws(BuildError) -> InstallPlan?
    func installFailureReason(log: String) -> String
    func buildPlan(for source: SourceArchive) throws(BuildError) -> BuildPlan
    func failureReason(log: String, of name: FunctionName) -> String
}
