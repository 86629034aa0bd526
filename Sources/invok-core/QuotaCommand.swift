import ArgumentParser
import Foundation
import Invok

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
        let access = try await StoreAccess(dataDirectory: core.dataDir)
        try await access.with { (store) throws(InvokError) in try await body(store, access.configuration.quota) }
    }

    /// Prints the quota, a line for each value.
    static func show(_ user: User, _ standard: Quota, in store: any MetadataStore) async throws(InvokError) {
        let (overrides, usage) = try await StoreAccess.asking { () throws(StoreError) in
            (try await store.quotaOverrides()[user.id] ?? [:], try await store.usage(of: user.id))
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
            try await QuotaCommand.show(try await StoreAccess.user(user, in: store), standard, in: store)
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
            let user = try await StoreAccess.user(user, in: store)
            try await StoreAccess.asking { () throws(StoreError) in
                for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
                    try await store.setQuota(name, of: user.id, to: value)
                }
            }
            try await QuotaCommand.show(user, standard, in: store)
        }
    }
}
