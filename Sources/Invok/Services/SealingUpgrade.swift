public import Logging

/// Makes an installation one in which no secret lies open: claims it for a key, and seals what an older Invok wrote. Each
/// step may be interrupted anywhere and is taken again by the next start; several cores may take them at once.
public struct SealingUpgrade: Sendable {
    static let pageSize = 100

    private let store: any SealedStore
    private let artifacts: any ArtifactStore
    private let archives: any ArchiveReader
    private let sealer: EnvironmentSealer
    private let logger: Logger

    public init(
        store: any SealedStore, artifacts: any ArtifactStore, archives: any ArchiveReader, sealer: EnvironmentSealer,
        logger: Logger
    ) {
        self.store = store
        self.artifacts = artifacts
        self.archives = archives
        self.sealer = sealer
        self.logger = logger
    }

    /// Call it before anything else uses the store.
    /// - Throws: `invalid_config` when the store was sealed with another key; `unavailable`, `storage_full`.
    public func run() async throws(InvokError) {
        let sealing = try await claim()
        guard !sealing.isComplete else { return }
        let store = store
        var kept: [Digest: Digest] = [:]
        var isChanged = false
        try await store.forEachVersion { (stored) throws(InvokError) in
            if kept[stored.artifact] == nil { kept[stored.artifact] = try await withoutEnvironment(stored.artifact) }
            var new = stored
            new.settings = sealer.seal(stored.settings, of: stored.key.function)
            new.artifact = kept[stored.artifact] ?? stored.artifact
            guard new != stored else { return }
            isChanged = true
            _ = try await storing { () throws(StoreError) in try await store.replace(stored, by: new) }
            // Again, now that a version names it: another core that starts meanwhile removes what none names.
            if new.artifact != stored.artifact { _ = try await withoutEnvironment(stored.artifact) }
        }
        if isChanged {
            try await storing { () throws(StoreError) in try await store.compact() }
            logger.notice("the environments that an older Invok stored are sealed now")
        }
        var complete = sealing
        complete.isComplete = true
        do throws(StoreError) {
            try await store.setSealing(complete, expected: sealing)
        } catch .conflict {
            // Another core was faster.
        } catch {
            throw InvokError(error)
        }
    }

    /// - Returns: how far the sealing is, now that this core's key is the installation's.
    private func claim() async throws(InvokError) -> Sealing {
        let store = store
        while true {
            if let sealing = try await storing({ () throws(StoreError) in try await store.sealing() }) {
                try check(sealing)
                return sealing
            }
            let fresh = Sealing(keyName: sealer.key.name)
            do throws(StoreError) {
                try await store.setSealing(fresh, expected: nil)
                return fresh
            } catch .conflict {
                continue
            } catch {
                throw InvokError(error)
            }
        }
    }

    private func check(_ sealing: Sealing) throws(InvokError) {
        guard sealing.nextKeyName == nil else {
            throw InvokError(
                .invalidConfig, "a change of the secrets key was interrupted",
                nextStep: "run 'invok-core secrets rotate' again, with the same keys")
        }
        guard sealing.keyName == sealer.key.name else {
            throw InvokError(
                .invalidConfig,
                "the secrets in the store are sealed with the key \(sealing.keyName), but this core has the key "
                    + "\(sealer.key.name)",
                nextStep: "set INVOK_SECRETS_KEY to that key, or put the file 'secrets-key' that belongs to this store "
                    + "back into the data directory; to change the key, run 'invok-core secrets rotate'")
        }
    }

    /// Keeps an archive without the environment that is in its configuration. The old one goes when nothing names it.
    /// - Returns: the digest of what is kept; the same when there was none in it, or it cannot be read.
    private func withoutEnvironment(_ digest: Digest) async throws(InvokError) -> Digest {
        do throws(ArtifactError) {
            let archive = try await artifacts.open(digest)
            let kept: (any ByteSource)?
            do throws(InvokError) {
                let source = try await archives.source(of: archive, limits: .unlimited)
                kept = try await archives.reading { () throws(InvokError) in
                    try source.hasEnvironment ? source.kept(archive) : nil
                }
            } catch {
                logger.warning("an archive cannot be read and stays as it is", metadata: ["archive": "\(digest)"])
                return digest
            }
            guard let kept else { return digest }
            return try await artifacts.put(kept)
        } catch .notFound, .corrupt {
            return digest
        } catch {
            throw InvokError(error)
        }
    }
}

extension SealedStore {
    /// Calls the body for each version, a page of them at a time.
    func forEachVersion(_ body: (StoredVersion) async throws(InvokError) -> Void) async throws(InvokError) {
        var last: VersionKey?
        while true {
            let (after, limit) = (last, SealingUpgrade.pageSize)
            let page = try await storing { () throws(StoreError) in
                try await storedVersions(after: after, limit: limit)
            }
            for version in page { try await body(version) }
            guard page.count == limit, let end = page.last else { return }
            last = end.key
        }
    }

    /// The same for each secret.
    func forEachSecret(_ body: (StoredSecret) async throws(InvokError) -> Void) async throws(InvokError) {
        var last: SecretKey?
        while true {
            let (after, limit) = (last, SealingUpgrade.pageSize)
            let page = try await storing { () throws(StoreError) in
                try await storedSecrets(after: after, limit: limit)
            }
            for secret in page { try await body(secret) }
            guard page.count == limit, let end = page.last else { return }
            last = end.key
        }
    }
}
