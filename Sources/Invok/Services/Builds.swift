/// Builds with the secrets that are a function's for that, and with none of them in what is printed.
struct Builds: Sendable {
    private let world: World
    private let secrets: SecretReader

    init(_ world: World) {
        self.world = world
        secrets = SecretReader(world)
    }

    /// - Parameters:
    ///   - artifact: names the archive that `source` was read from, for everybody.
    ///   - onLine: is called with what is printed, as it comes.
    func build(
        _ source: SourceArchive, _ artifact: Digest, of key: FunctionKey,
        onLine: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws(InvokError) -> BuildResult {
        let values: [SecretName: SecretValue]
        do throws(SecretReader.Failure) { values = try await secrets.buildValues(for: key) } catch {
            throw InvokError(error)
        }
        let mask = SecretMask(values.values)
        let context = BuildContext(secrets: values) { onLine(mask.masked($0)) }
        do throws(BuildError) {
            let result = try await world.builder.build(
                source, artifact: artifact.asBuilt(in: key.namespace), of: key.namespace, in: context)
            return BuildResult(bundle: result.bundle, bytes: result.bytes, log: mask.masked(result.log))
        } catch {
            throw InvokError(error.masked(by: mask))
        }
    }
}

extension BuildError {
    fileprivate func masked(by mask: SecretMask) -> BuildError {
        switch self {
        case .failed(let reason, let log): .failed(reason: mask.masked(reason), log: mask.masked(log))
        case .deadlineExceeded(let seconds, let log): .deadlineExceeded(seconds: seconds, log: mask.masked(log))
        case .unavailable, .full, .cancelled: self
        }
    }
}
