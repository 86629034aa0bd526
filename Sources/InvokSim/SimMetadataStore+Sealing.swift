public import Invok

extension SimMetadataStore: SealedStore {
    public func installation() async throws(StoreError) -> String {
        try await read("installation") { _ in "0000000000000000" }
    }

    public func sealing() async throws(StoreError) -> Sealing? {
        try await read("sealing") { $0.sealing }
    }

    public func setSealing(_ sealing: Sealing, expected: Sealing?) async throws(StoreError) {
        try await transaction("setSealing", "\(sealing.keyName)") { (tables) throws(StoreError) in
            guard tables.sealing == expected else { throw .conflict("the sealing is not as expected") }
            tables.sealing = sealing
        }
    }

    public func storedVersions(after version: VersionKey?, limit: Int) async throws(StoreError) -> [StoredVersion] {
        try await read("storedVersions") { tables in
            let behind = tables.allVersions.filter { stored in version.map { $0 < stored.key } ?? true }
            return behind.sorted { $0.key < $1.key }.prefix(limit).map {
                StoredVersion(key: $0.key, artifact: $0.artifact, settings: $0.settings)
            }
        }
    }

    public func replace(_ old: StoredVersion, by new: StoredVersion) async throws(StoreError) -> Bool {
        try await transaction("replace", "\(old.key)") { (tables) throws(StoreError) in
            guard let stored = tables.versions[old.key.function]?[old.key.number], stored.artifact == old.artifact,
                stored.settings == old.settings
            else { return false }
            tables.artifactBytes[new.artifact] = tables.artifactBytes[old.artifact]
            tables.put(
                Version(
                    key: stored.key, artifact: new.artifact, settings: new.settings, state: stored.state,
                    buildLog: stored.buildLog, createdBy: stored.createdBy, createdAt: stored.createdAt))
            return true
        }
    }

    public func compact() async throws(StoreError) {}
}
