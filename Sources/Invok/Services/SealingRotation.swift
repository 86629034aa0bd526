/// Changes the key that environments and secrets are sealed with. It may be interrupted anywhere: run again with the same
/// keys, it goes on. No core may serve from the store meanwhile.
public struct SealingRotation: Sendable {
    public struct Outcome: Hashable, Sendable {
        /// How many environments and secrets have the new key now that had another.
        public var resealed = 0
        /// Those that could not be opened: their functions do not start until they are deployed again.
        public var lost: [VersionKey] = []
        /// The same of secrets: they have to be set again.
        public var lostSecrets: [SecretKey] = []
    }

    private let store: any SealedStore
    private let old: EnvironmentSealer?
    private let new: EnvironmentSealer

    /// - Parameter old: `nil` when the key is lost, and with it whatever it sealed.
    public init(store: any SealedStore, old: EnvironmentSealer?, new: EnvironmentSealer) {
        self.store = store
        self.old = old
        self.new = new
    }

    /// - Throws: `invalid_config` when the keys are not those of the store, or of the change that was interrupted;
    ///   `unavailable`, `storage_full`.
    public func run() async throws(InvokError) -> Outcome {
        let (store, new) = (store, new)
        var outcome = Outcome()
        guard let found = try await storing({ () throws(StoreError) in try await store.sealing() }), found.isComplete
        else {
            throw InvokError(
                .conflict, "this installation has not been sealed yet", nextStep: "start invok-core once before")
        }
        if found.nextKeyName == nil, found.keyName == new.key.name { return outcome }
        let begun = try begin(found)
        if begun != found {
            try await storing { () throws(StoreError) in try await store.setSealing(begun, expected: found) }
        }
        try await store.forEachVersion { (stored) throws(InvokError) in
            guard let sealed = stored.settings.sealed, sealed.keyName != new.key.name else { return }
            guard let open = old?.open(stored.settings, of: stored.key.function) else {
                outcome.lost.append(stored.key)
                return
            }
            var resealed = stored
            resealed.settings = new.seal(open, of: stored.key.function)
            _ = try await storing { () throws(StoreError) in try await store.replace(stored, by: resealed) }
            outcome.resealed += 1
        }
        try await store.forEachSecret { (stored) throws(InvokError) in
            guard stored.value.keyName != new.key.name else { return }
            guard let open = old?.open(stored.value, of: stored.key) else {
                outcome.lostSecrets.append(stored.key)
                return
            }
            let resealed = new.seal(open, of: stored.key)
            _ = try await storing { () throws(StoreError) in try await store.replace(stored, by: resealed) }
            outcome.resealed += 1
        }
        try await storing { () throws(StoreError) in
            try await store.compact()
            try await store.setSealing(Sealing(keyName: new.key.name, isComplete: true), expected: begun)
        }
        return outcome
    }

    private func begin(_ found: Sealing) throws(InvokError) -> Sealing {
        if let old, old.key.name != found.keyName {
            throw InvokError(
                .invalidConfig,
                "the secrets are sealed with the key \(found.keyName), but the key given is \(old.key.name)",
                nextStep: "give the key that the installation has; if it is lost, add --lost")
        }
        if let next = found.nextKeyName, next != new.key.name, old != nil {
            throw InvokError(
                .invalidConfig, "a change to the key \(next) was interrupted, but the new key is \(new.key.name) now",
                nextStep: "give the same new key as before; if it is lost, add --lost")
        }
        var begun = found
        begun.nextKeyName = new.key.name
        return begun
    }
}
