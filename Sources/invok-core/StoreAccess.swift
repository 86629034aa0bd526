import Foundation
import Invok
import InvokEmbedded
import InvokPostgres
import InvokSQLite
import Logging

/// The store that is configured, for commands that work on it without a server, and beside one.
struct StoreAccess {
    let configuration: CoreConfiguration

    /// - Parameter dataDirectory: wins over the configuration.
    /// - Throws: `Failure`
    init(dataDirectory: String?) async throws {
        do throws(ConfigurationError) {
            var loaded = try await CoreConfiguration.load()
            if let dataDirectory { loaded.dataDirectory = dataDirectory }
            configuration = loaded
        } catch {
            throw Failure.configuration(error)
        }
    }

    /// Runs the body on the store.
    /// - Parameter makesStore: whether a store is made where there is none; else that is an error.
    /// - Throws: `Failure`
    func with(
        makesStore: Bool = false, _ body: (any MetadataStore & AccountStore) async throws(InvokError) -> Void
    ) async throws {
        do throws(InvokError) {
            guard let url = configuration.databaseURL else { return try await body(try sqlite(makesStore: makesStore)) }
            let logger = Logger(label: "invok") { _ in SwiftLogNoOpLogHandler() }
            let store = try await PostgresMetadataStore.open(
                PostgresTarget(url: url), clock: SystemClock(), logger: logger)
            defer { store.close() }
            try await body(store)
        } catch {
            throw Failure.start(error)
        }
    }

    private func sqlite(makesStore: Bool) throws(InvokError) -> SQLiteMetadataStore {
        let path = DataDirectory.database(in: configuration.dataDirectory)
        if !FileManager.default.fileExists(atPath: path) {
            guard makesStore else {
                throw InvokError(
                    .invalidConfig, "there is no database \(path)",
                    nextStep: "say where it is with --data-dir or INVOK_DATA_DIR, or start the server first")
            }
            do throws(DataDirectoryError) {
                _ = try DataDirectory(path: configuration.dataDirectory)
            } catch {
                throw InvokError(.unavailable, "\(error)")
            }
        }
        return try SQLiteMetadataStore(path: path)
    }

    /// - Parameter text: an email address, or a user's identifier.
    static func user(_ text: String, in store: any MetadataStore) async throws(InvokError) -> User {
        let found = try await asking { () throws(StoreError) -> User? in
            if let id = UserID(text) { return try await store.user(id) }
            guard let email = try? Email(text) else { return nil }
            return try await store.user(withEmail: email)
        }
        guard let found else {
            throw InvokError(
                .invalidConfig, "there is no user '\(text.prefix(80))'",
                nextStep: "give the email address or the identifier that 'invok whoami' prints")
        }
        return found
    }

    /// Runs a call of the store and says what its failure means.
    static func asking<Value>(_ call: () async throws(StoreError) -> Value) async throws(InvokError) -> Value {
        do throws(StoreError) { return try await call() } catch {
            throw InvokError(.unavailable, "the store does not answer", inner: "\(error)")
        }
    }
}
