import Invok

/// What an instance has and may use, alike in every engine.
extension InstanceSpec {
    /// Its variables: what every function is told, what its runtime needs, and its author's, which go before all.
    /// - Parameter path: where its tools are; `nil` where its image knows that.
    package func variables(path: String? = nil) -> [String: String] {
        var variables = [
            "INVOK_FUNCTION_NAME": version.function.name.description,
            "INVOK_CONCURRENCY": "\(settings.limits.concurrency)",
            "INVOK_TIMEOUT_SECONDS": "\(settings.limits.timeoutSeconds)", "LISTEN_FDS": "1", "TZ": "UTC",
            "LANG": "C.UTF-8", "HOME": "/tmp", "USER": "function", "LOGNAME": "function",
        ]
        variables["PATH"] = path
        variables[Self.entryVariable] = settings.entry?.description
        switch settings.mount {
        case .standard?: break
        case .root?, .name?: variables["INVOK_MOUNT"] = settings.mount?.rawValue
        case nil: variables["INVOK_MOUNT"] = Mount.name.rawValue
        }
        variables.merge(RuntimeSupport.of(settings.runtime).launch.environment) { _, new in new }
        variables.merge(settings.environment.variables) { _, new in new }
        variables.merge(secrets(as: .environment)) { _, new in new }
        return variables
    }

    /// Says where the function is, where `config.json` does: `path[:symbol]`.
    static let entryVariable = "INVOK_ENTRY"

    /// Files that it has in a folder of its own in memory, by path.
    package var secretFiles: [String: String] {
        let files = secrets(as: .file).map { ("\(SecretReference.folder)/\($0.key)", $0.value) }
        return Dictionary(uniqueKeysWithValues: files)
    }

    /// The folders in memory that it has beside `/tmp`.
    package var temporaryFolders: [Isolation.TemporaryFolder] {
        guard !secretFiles.isEmpty else { return [] }
        // Each file takes whole pages.
        return [.init(path: SecretReference.folder, bytes: 2 * SecretValue.maximumTotalBytes + (1 << 20))]
    }

    /// The size of its `/tmp`.
    package var temporaryBytes: Int { 64 << 20 }

    package var resourceLimits: ResourceLimits {
        let limits = settings.limits
        return ResourceLimits(
            memoryBytes: limits.memoryMB << 20, cpus: limits.cpus, processes: 256,
            openFiles: max(1024, limits.concurrency * 2 + 256), fileBytes: 64 << 20)
    }
}
