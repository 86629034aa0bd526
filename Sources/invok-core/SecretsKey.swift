import Invok
import InvokAuth
import InvokEmbedded

/// The key that seals the functions' environments: `INVOK_SECRETS_KEY`, or else a file of the data directory.
enum SecretsKey {
    /// - Throws: `invalid_config` when it is missing or cannot be trusted.
    static func read(
        _ configuration: CoreConfiguration, _ directory: DataDirectory, store: any SealedStore
    ) async throws(InvokError) -> SealingKey {
        if let key = try configured(configuration.secretsKey) { return key }
        let file = SecretFile(.sealing, path: directory.secretsKey)
        guard configuration.databaseURL == nil || configuration.redisURL == nil else {
            throw InvokError(
                .invalidConfig, "INVOK_SECRETS_KEY is missing, which cores that share a database need",
                nextStep:
                    "set it for each of them to the content of \(directory.secretsKey), or, where there is no such "
                    + "file, to the output of 'openssl rand -hex 32'")
        }
        if let secret = try file.read() { return SealingKey(secret: secret) }
        // A new key would be taken for a wrong one, and the old one is what helps.
        guard try await sealing(store) == nil else {
            throw InvokError(
                .invalidConfig, "the key is missing that the secrets in the store are sealed with",
                nextStep:
                    "put \(directory.secretsKey) back from a backup, or set INVOK_SECRETS_KEY; if it is lost, run "
                    + "'invok-core secrets rotate --lost'")
        }
        return SealingKey(secret: try file.readOrMake())
    }

    /// - Parameter text: what a variable says.
    static func configured(_ text: String?) throws(InvokError) -> SealingKey? {
        guard let secret = text.map({ Array($0.utf8) }) else { return nil }
        try Secret.sealing.check(secret)
        return SealingKey(secret: secret)
    }

    private static func sealing(_ store: any SealedStore) async throws(InvokError) -> Sealing? {
        do throws(StoreError) {
            return try await store.sealing()
        } catch {
            throw InvokError(.unavailable, "the store cannot be used", inner: "\(error)")
        }
    }
}
