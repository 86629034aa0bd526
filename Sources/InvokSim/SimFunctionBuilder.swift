public import Invok
import Synchronization

/// Builds at once: reads the directives of the source, which may also say that it does not build.
public final class SimFunctionBuilder: FunctionBuilder {
    private struct State: Sendable {
        var functions: [BundleID: SimFunction] = [:]
        var builds = 0
    }

    private let state = Mutex(State())
    private let effects: SimEffects
    private let processors: SimQueue?
    private let running: SimGauge?
    private let onRemove = Mutex<@Sendable (BundleID) -> Void>({ _ in })

    public convenience init(effects: SimEffects = SimEffects()) { self.init(effects: effects, processors: nil) }

    /// - Parameters:
    ///   - processors: the machine's, on which builds run; `nil` for as many as are needed.
    ///   - running: counts the builds that go on.
    package init(effects: SimEffects, processors: SimQueue?, running: SimGauge? = nil) {
        self.running = running
        self.effects = effects
        self.processors = processors
    }

    /// How many builds ran; an archive that had been built before does not count.
    public var buildCount: Int { state.withLock { $0.builds } }

    private func effect<Value: Sendable>(
        _ name: String, _ detail: String = "", _ body: (inout State) throws(BuildError) -> Value
    ) async throws(BuildError) -> Value {
        let unavailable = { BuildError.unavailable(reason: $0, nextStep: nil) }
        return try await effects.perform("builder.\(name)", detail, failure: unavailable) { () throws(BuildError) in
            try state.withLock { (state) throws(BuildError) in try body(&state) }
        }
    }

    public func build(
        _ source: SourceArchive, artifact: Digest, of namespace: Namespace, in context: BuildContext
    ) async throws(BuildError) -> BuildResult {
        guard let running else { return try await run(source, artifact, context) }
        return try await running.during { () throws(BuildError) in try await run(source, artifact, context) }
    }

    private func run(
        _ source: SourceArchive, _ artifact: Digest, _ context: BuildContext
    ) async throws(BuildError) -> BuildResult {
        let bundle = bundle(of: artifact, for: source.config.runtime)
        // One that is there when the build begins is taken as it is, whatever becomes of it meanwhile.
        let isThere = kept.contains(bundle)
        var function: SimFunction?
        do throws(BuildError) {
            function = try SimFunction(source)
        } catch .failed(_, let log) {
            if !log.isEmpty { context.onLine(log) }
        } catch {}
        // What is there is not built again.
        let variables = (function?.buildVariables ?? []).map { name in
            context.secrets.first { $0.key.description == name }?.value.text ?? ""
        }
        let printed = isThere ? [] : (function?.buildLog ?? []) + variables
        for line in printed { context.onLine(line) }
        if case .sleeps(let seconds)? = function?.build {
            await effects.rest(.seconds(seconds))
            throw .deadlineExceeded(seconds: seconds, log: "")
        }
        await effects.work(below: .seconds(3), at: processors)
        if function?.build == .fillsDisk { throw .failed(reason: "the build failed", log: "No space left on device") }
        return try await effect("build", "\(artifact)") { (state) throws(BuildError) in
            if !isThere, state.functions[bundle] == nil {
                state.builds += 1
                state.functions[bundle] = try SimFunction(source)
            }
            let bytes = source.files.values.reduce(0) { $0 + $1.count }
            return BuildResult(bundle: bundle, bytes: bytes, log: printed.map { $0 + "\n" }.joined())
        }
    }

    public func bundle(of artifact: Digest, for runtime: Runtime) -> BundleID {
        BundleID(Digest(of: "sim \(runtime.rawValue) \(artifact)".utf8))
    }

    public func bundles() async throws(BuildError) -> Set<BundleID> {
        try await effect("bundles") { (state) throws(BuildError) in Set(state.functions.keys) }
    }

    public func remove(_ bundle: BundleID) async throws(BuildError) {
        try await effect("remove", "\(bundle)") { (state) throws(BuildError) in
            onRemove.withLock { $0 }(bundle)
            state.functions[bundle] = nil
        }
    }

    /// Bundles that are kept now.
    package var kept: Set<BundleID> { state.withLock { Set($0.functions.keys) } }

    /// Has each removal seen by a checker.
    package func watchRemovals(_ onRemove: @escaping @Sendable (BundleID) -> Void) {
        self.onRemove.withLock { $0 = onRemove }
    }

    /// Whether the machine has what the bundle runs.
    package func has(_ bundle: BundleID) -> Bool { function(of: bundle) != nil }

    /// What a bundle does when it runs.
    func function(of bundle: BundleID) -> SimFunction? { state.withLock { $0.functions[bundle] } }
}
