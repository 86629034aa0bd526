public import Invok

extension SimMetadataStore {
    public func expiredVersions(_ retention: Retention, limit: Int) async throws(StoreError) -> [VersionKey] {
        try await read("expiredVersions") { tables in Array(tables.expired(retention).prefix(limit)) }
    }

    public func removeVersion(_ version: VersionKey) async throws(StoreError) -> Bool {
        try await transaction("removeVersion", "\(version)", changing: version.function) {
            (tables) throws(StoreError) in
            guard let stored = tables.versions[version.function]?[version.number], stored.state != .building,
                tables.functions[version.function]?.activeVersion != version.number
            else { return false }
            tables.versions[version.function]?[version.number] = nil
            return true
        }
    }

    public func references() async throws(StoreError) -> StoreReferences {
        try await read("references") { tables in tables.references }
    }
}

extension SimTables {
    package var references: StoreReferences {
        StoreReferences(
            functions: Set(functions.keys), artifacts: Set(allVersions.map(\.artifact)),
            bundles: Set(allVersions.compactMap(\.bundle)))
    }

    /// Versions that a policy does not keep, by key.
    package func expired(_ retention: Retention) -> [VersionKey] {
        functions.values.sorted { $0.key < $1.key }.flatMap { function in
            let others = versions[function.key, default: [:]].values.filter { $0.key.number != function.activeVersion }
                .sorted { $0.key > $1.key }
            let ready = others.filter { $0.bundle != nil }
            let failed = others.filter { version in
                if case .failed = version.state { true } else { false }
            }
            let kept = quotas[function.key.namespace]?[.versions] ?? retention.ready
            let old = failed.enumerated().filter { place, version in
                place >= Retention.failedLimit || version.createdAt < retention.failedSince
            }
            return (ready.dropFirst(kept) + old.map(\.element)).map(\.key).sorted()
        }
    }
}
