import ArgumentParser
import Foundation
import Invok
import InvokEmbedded
import InvokPostgres
import InvokSQLite
import Logging

/// `invok-core quota`: what single users may hold and do.
struct QuotaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quota", abstract: "Show or set what a user may hold and do.",
        discussion: """
            What every user has is set by INVOK_QUOTAS. Cores may run meanwhile, and hear of a change within 30 s.
            """,
        subcommands: [QuotaShowCommand.self, QuotaSetCommand.self])

    /// It has `--data-dir`.
    @ParentCommand var core: CoreCommand

    /// Runs the body on the store that is configured, with the quota of all users.
    func withStore(
        _ body: (any MetadataStore, Quota) async throws(InvokError) -> Void
    ) async throws {
        let configuration: CoreConfiguration
        do throws(ConfigurationError) {
            var loaded = try await CoreConfiguration.load()
            if let dataDir = core.dataDir { loaded.dataDirectory = dataDir }
            configuration = loaded
        } catch {
            throw Failure.configuration(error)
        }
        do throws(InvokError) {
            try await open(configuration) { (store) throws(InvokError) in try await body(store, configuration.quota) }
        } catch {
            throw Failure.start(error)
        }
    }

    private func open(
        _ configuration: CoreConfiguration, _ body: (any MetadataStore) async throws(InvokError) -> Void
    ) async throws(InvokError) {
        guard let url = configuration.databaseURL else {
            let path = DataDirectory.database(in: configuration.dataDirectory)
            guard FileManager.default.fileExists(atPath: path) else {
                throw InvokError(
                    .invalidConfig, "there is no database \(path)",
                    nextStep: "say where it is with --data-dir or INVOK_DATA_DIR, or start the server first")
            }
            return try await body(try SQLiteMetadataStore(path: path))
        }
        let logger = Logger(label: "invok") { _ in SwiftLogNoOpLogHandler() }
        let store = try await PostgresMetadataStore.open(PostgresTarget(url: url), clock: SystemClock(), logger: logger)
        defer { store.close() }
        try await body(store)
    }

    /// - Parameter text: an email address, or a user's identifier.
    static func user(_ text: String, in store: any MetadataStore) async throws(InvokError) -> User {
        let found: User?
        do throws(StoreError) {
            if let id = UserID(text) {
                found = try await store.user(id)
            } else if let email = try? Email(text) {
                found = try await store.user(withEmail: email)
            } else {
                found = nil
            }
        } catch {
            throw InvokError(.unavailable, "the store does not answer", inner: "\(error)")
        }
        guard let found else {
            throw InvokError(
                .invalidConfig, "there is no user '\(text.prefix(80))'",
                nextStep: "give the email address or the identifier that 'invok whoami' prints")
        }
        return found
    }

    /// Prints the quota, a line for each value.
    static func show(_ user: User, _ standard: Quota, in store: any MetadataStore) async throws(InvokError) {
        let (overrides, usage): (Quota.Overrides, StoredUsage)
        do throws(StoreError) {
            overrides = try await store.quotaOverrides()[user.id] ?? [:]
            usage = try await store.usage(of: user.id)
        } catch {
            throw InvokError(.unavailable, "the store does not answer", inner: "\(error)")
        }
        let quota = standard.replacing(overrides)
        print("\(user.email) (\(user.id))")
        for name in Quota.Name.allCases {
            let value = Quota.text(quota[name]).padding(toLength: 10, withPad: " ", startingAt: 0)
            let used: String? =
                switch name {
                case .functions: "\(usage.functions) used"
                case .storageMB: "\(usage.bytes >> 20) used"
                default: nil
                }
            let notes = [overrides[name] == nil ? nil : "set for this user", used].compactMap(\.self)
            let title = name.rawValue.padding(toLength: 21, withPad: " ", startingAt: 0)
            print("\(title) \(value) \(name.summary)\(notes.isEmpty ? "" : " (\(notes.joined(separator: ", ")))")")
        }
    }
}

/// `invok-core quota show`.
struct QuotaShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show a user's quota, and what is used of it.")

    @Argument(help: "The user's email address or identifier.")
    var user: String

    @ParentCommand var quota: QuotaCommand

    func run() async throws {
        try await quota.withStore { (store, standard) throws(InvokError) in
            try await QuotaCommand.show(try await QuotaCommand.user(user, in: store), standard, in: store)
        }
    }
}

/// `invok-core quota set`.
struct QuotaSetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set values of a user's quota.",
        discussion: "For example: invok-core quota set ada@example.com functions=20 memoryMB=unlimited builds=default")

    @Argument(help: "The user's email address or identifier.")
    var user: String

    @Argument(help: "NAME=VALUE, a number or 'unlimited'; 'default' for what every user has.")
    var values: [String]

    @ParentCommand var quota: QuotaCommand

    func run() async throws {
        try await quota.withStore { (store, standard) throws(InvokError) in
            let changes = try Quota.parse(values.joined(separator: " "), reset: "default")
            let user = try await QuotaCommand.user(user, in: store)
            do throws(StoreError) {
                for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
                    try await store.setQuota(name, of: user.id, to: value)
                }
            } catch {
                throw InvokError(.unavailable, "the store does not answer", inner: "\(error)")
            }
            try await QuotaCommand.show(user, standard, in: store)
        }
    }
}
