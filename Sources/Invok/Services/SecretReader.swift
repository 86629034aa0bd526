/// Reads what a function is to have, at the moment at which it is to have it.
struct SecretReader: Sendable {
    private let store: any MetadataStore
    private let sealer: EnvironmentSealer

    init(_ world: World) {
        store = world.store
        sealer = world.sealer
    }

    /// Why an instance cannot have its secrets.
    enum Failure: Error, Hashable, Sendable {
        case store(StoreError)
        /// For the person whose function it is.
        case refused(String, nextStep: String)
    }

    /// The values of what a configuration names; a function's own go before its namespace's.
    func values(
        of references: [SecretReference], for key: FunctionKey
    ) async throws(Failure) -> [SecretReference: SecretValue] {
        guard !references.isEmpty else { return [:] }
        let stored = try await stored(key, .run)
        var values: [SecretReference: SecretValue] = [:]
        for reference in references {
            guard let secret = stored[reference.name] else {
                let missing = references.filter { stored[$0.name] == nil }.map { "'\($0.name)'" }
                throw .refused(
                    (missing.count == 1
                        ? "the secret \(missing[0]) is" : "the secrets \(missing.joined(separator: ", ")) are")
                        + " not set",
                    nextStep: "set it with 'invok secret set \(reference.name) -n \(key.name)'")
            }
            values[reference] = try open(secret)
        }
        return try fitting(
            values, "the secrets of '\(key.name)'", nextStep: "make them shorter, or name fewer in config.json")
    }

    /// All that a function's builds have: variables by name.
    func buildValues(for key: FunctionKey) async throws(Failure) -> [SecretName: SecretValue] {
        var values: [SecretName: SecretValue] = [:]
        for (name, secret) in try await stored(key, .build) { values[name] = try open(secret) }
        return try fitting(
            values, "the build secrets of '\(key.name)'",
            nextStep: "make them shorter, or remove some with 'invok secret rm --build'")
    }

    /// - Throws: where they are too many bytes together.
    private func fitting<Name>(
        _ values: [Name: SecretValue], _ whose: String, nextStep: String
    ) throws(Failure) -> [Name: SecretValue] {
        let (bytes, most) = (values.values.reduce(0) { $0 + $1.text.utf8.count }, SecretValue.maximumTotalBytes)
        guard bytes <= most else {
            throw .refused("\(whose) are \(bytes) bytes; at most \(most) are allowed", nextStep: nextStep)
        }
        return values
    }

    private func stored(
        _ key: FunctionKey, _ purpose: SecretKey.Purpose
    ) async throws(Failure) -> [SecretName: StoredSecret] {
        let found: [StoredSecret]
        do throws(StoreError) { found = try await store.secrets(of: key, for: purpose) } catch { throw .store(error) }
        // The namespace's come first.
        return Dictionary(found.map { ($0.key.name, $0) }) { _, own in own }
    }

    private func open(_ secret: StoredSecret) throws(Failure) -> SecretValue {
        guard let value = sealer.open(secret.value, of: secret.key) else {
            throw .refused(
                "the secret '\(secret.key.name)' cannot be opened",
                nextStep: "set it again with 'invok secret set \(secret.key.name)'"
                    + (secret.key.purpose == .build ? " --build" : ""))
        }
        return value
    }
}

extension InvokError {
    /// What whoever deploys is told.
    init(_ failure: SecretReader.Failure) {
        switch failure {
        case .store(let error): self.init(error)
        case .refused(let reason, let nextStep): self.init(.invalidConfig, reason, nextStep: nextStep)
        }
    }
}
