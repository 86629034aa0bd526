/// Turns a checked archive into a bundle, under limits and without any secret of the operator or of another tenant.
public protocol FunctionBuilder: Sendable {
    /// Builds. The same archive for the same runtime gives the same bundle and is built once, also when asked for twice
    /// at the same time.
    /// - Parameters:
    ///   - artifact: names the archive that `source` was read from; the same one has another name in each namespace.
    ///   - namespace: whose it is. What a build leaves for later ones is for this namespace alone.
    ///   - context: of who asks for it; whoever joins a build that goes on has no part in it.
    func build(
        _ source: SourceArchive, artifact: Digest, of namespace: Namespace, in context: BuildContext
    ) async throws(BuildError) -> BuildResult
    /// The bundle that `build` makes of an archive, known before it is built.
    func bundle(of artifact: Digest, for runtime: Runtime) -> BundleID
    /// The bundles that are kept.
    func bundles() async throws(BuildError) -> Set<BundleID>
    /// Removes a bundle that no version names any more.
    func remove(_ bundle: BundleID) async throws(BuildError)
}

extension FunctionBuilder {
    /// For nobody who reads along.
    package func build(
        _ source: SourceArchive, artifact: Digest, of namespace: Namespace
    ) async throws(BuildError) -> BuildResult {
        try await build(source, artifact: artifact, of: namespace, in: BuildContext())
    }
}

/// What a build has besides its source.
public struct BuildContext: Sendable {
    /// Variables of its commands, and of nothing that it leaves: what is kept must not have them in it.
    public var secrets: [SecretName: SecretValue]
    /// Is called with each line that its commands print, in order and as it comes: what `BuildResult.log` is made of. It must
    /// not wait.
    public var onLine: @Sendable (String) -> Void

    public init(
        secrets: [SecretName: SecretValue] = [:], onLine: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.secrets = secrets
        self.onLine = onLine
    }
}

public struct BuildResult: Hashable, Sendable {
    public let bundle: BundleID
    /// What the bundle takes on the disk.
    public let bytes: Int
    /// What the build printed, capped.
    public let log: String

    public init(bundle: BundleID, bytes: Int, log: String) {
        self.bundle = bundle
        self.bytes = bytes
        self.log = log
    }
}

public enum BuildError: Error, Hashable, Sendable {
    /// The person's code does not build: a sentence, and what the build printed.
    case failed(reason: String, log: String)
    /// It took too long.
    case deadlineExceeded(seconds: Int, log: String)
    /// The machine cannot build this now, and it is not the person's fault. The next step is for the operator.
    case unavailable(reason: String, nextStep: String?)
    case full
    case cancelled

    /// A file of the archive cannot be read.
    package init(reading error: InvokError) {
        switch error.code {
        case .invalidArchive, .payloadTooLarge: self = .failed(reason: error.message, log: "")
        case .storageFull: self = .full
        default: self = .unavailable(reason: error.message, nextStep: error.nextStep)
        }
    }
}
