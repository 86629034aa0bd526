import ArgumentParser
import Invok
import InvokAuth
import InvokEmbedded
import InvokPostgres
import InvokSQLite
import Logging

/// `invok-core secrets`: what seals the functions' environments and secrets.
struct SecretsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets", abstract: "Change the key that seals the functions' environments and secrets.",
        subcommands: [RotateCommand.self])
}

/// `invok-core secrets rotate`: seals everything with a new key.
struct RotateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Seal everything with a new key.",
        discussion: """
            Stop every core first. The old key is INVOK_SECRETS_KEY, or else the file 'secrets-key' of the data directory; \
            the new one is INVOK_SECRETS_NEW_KEY, or else a new file. Whenever it is interrupted, run it again.
            """)

    @Flag(help: "The old key is lost: what it sealed is given up: functions are deployed, and secrets set again.")
    var lost = false

    /// It has `--data-dir`.
    @ParentCommand var core: CoreCommand

    func run() async throws {
        do throws(ConfigurationError) {
            var configuration = try await CoreConfiguration.load()
            if let dataDir = core.dataDir { configuration.dataDirectory = dataDir }
            try await rotate(configuration)
        } catch {
            throw Failure.configuration(error)
        }
    }

    private func rotate(_ configuration: CoreConfiguration) async throws(ConfigurationError) {
        do throws(InvokError) {
            let directory: DataDirectory
            do throws(DataDirectoryError) {
                directory = try DataDirectory(path: configuration.dataDirectory)
            } catch {
                throw InvokError(.invalidConfig, "\(error)")
            }
            let keys = try keys(configuration, directory)
            let outcome = try await withStore(configuration, directory) { (store) throws(InvokError) in
                let randomness = SystemRandomness()
                return try await SealingRotation(
                    store: store, old: keys.old.map { EnvironmentSealer(key: $0, randomness: randomness) },
                    new: EnvironmentSealer(key: keys.new, randomness: randomness)
                ).run()
            }
            try keys.file?.move(to: directory.secretsKey)
            print("\(outcome.resealed) environments and secrets are sealed with the new key \(keys.new.name)")
            for version in outcome.lost { print("lost: the environment of \(version); deploy it again") }
            for key in outcome.lostSecrets { print("lost: the secret \(key); it has to be set again") }
            if keys.file == nil { print("set INVOK_SECRETS_KEY to the new key, and start the cores") }
        } catch {
            let parts = [error.message, error.inner, error.nextStep].compactMap(\.self)
            throw ConfigurationError(message: parts.joined(separator: "\n"))
        }
    }

    private struct Keys {
        let old: SealingKey?
        let new: SealingKey
        /// Where the new one is, until it takes the place of the old one.
        let file: SecretFile?
    }

    private func keys(
        _ configuration: CoreConfiguration, _ directory: DataDirectory
    ) throws(InvokError) -> Keys {
        let configured = try SecretsKey.configured(configuration.secretsKey)
        var old = configured
        if !lost, old == nil {
            old = try SecretFile(.sealing, path: directory.secretsKey).read().map { SealingKey(secret: $0) }
            guard old != nil else {
                throw InvokError(
                    .invalidConfig, "there is no key: \(directory.secretsKey) is missing",
                    nextStep: "put it back, or set INVOK_SECRETS_KEY; if it is lost, add --lost")
            }
        }
        if lost { old = nil }
        if let new = try SecretsKey.configured(configuration.newSecretsKey) {
            return Keys(old: old, new: new, file: nil)
        }
        guard configured == nil else {
            throw InvokError(
                .invalidConfig, "INVOK_SECRETS_NEW_KEY is missing",
                nextStep: "set it to the output of 'openssl rand -hex 32'")
        }
        let file = SecretFile(.sealing, path: directory.secretsKey + ".new")
        return Keys(old: old, new: SealingKey(secret: try file.readOrMake()), file: file)
    }

    /// Runs the body while no core serves from the store.
    private func withStore(
        _ configuration: CoreConfiguration, _ directory: DataDirectory,
        _ body: (any SealedStore) async throws(InvokError) -> SealingRotation.Outcome
    ) async throws(InvokError) -> SealingRotation.Outcome {
        // Held until the end, and with it the SQLite file.
        defer { withExtendedLifetime(directory) {} }
        guard let url = configuration.databaseURL else {
            return try await body(try SQLiteMetadataStore(path: directory.database))
        }
        let target = try PostgresTarget(url: url)
        let logger = Logger(label: "invok") { _ in SwiftLogNoOpLogHandler() }
        let lock: PostgresCoreLock
        do throws(InvokError) {
            lock = try await PostgresCoreLock.take(target, .exclusive, logger: logger)
        } catch {
            guard error.code == .conflict else { throw error }
            throw InvokError(.conflict, "a core serves from the database \(target)", nextStep: "stop every core first")
        }
        defer { lock.close() }
        let store = try await PostgresMetadataStore.open(target, clock: SystemClock(), logger: logger)
        defer { store.close() }
        return try await body(store)
    }
}
