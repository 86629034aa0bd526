import ArgumentParser
import Foundation
import Invok
import InvokAuth
import InvokEmbedded

/// `invok-core admin`: accounts, by whoever can read the store.
struct AdminCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "admin", abstract: "Make admins, set passwords, list accounts.",
        discussion: """
            These work on the store itself: no server is needed, and some may run. They see a change within 15 s.
            """,
        subcommands: [AdminCreateCommand.self, AdminResetPasswordCommand.self, AdminListCommand.self])

    /// It has `--data-dir`.
    @ParentCommand var core: CoreCommand
}

/// Where a new password comes from.
struct PasswordSource: ParsableArguments {
    @Flag(help: "Read the password from stdin.")
    var passwordStdin = false

    /// Reads a new password, on a terminal by a question that does not show it.
    /// - Throws: `Failure`
    func read(for email: Email) throws -> Password {
        do throws(InvokError) {
            return try Password(new: try text(email), of: email)
        } catch {
            throw Failure.start(error)
        }
    }

    private func text(_ email: Email) throws(InvokError) -> String {
        if passwordStdin {
            guard let line = readLine(strippingNewline: true), !line.isEmpty else {
                throw .invalidRequest("stdin has no password")
            }
            return line
        }
        guard isatty(STDIN_FILENO) == 1 else {
            throw .invalidRequest("the password is missing", nextStep: "use --password-stdin where nobody can be asked")
        }
        let first = Self.ask("New password of \(email): ")
        guard Self.ask("The same again: ") == first else { throw .invalidRequest("the two passwords differ") }
        return first
    }

    private static func ask(_ question: String) -> String {
        getpass(question).map { String(cString: $0) } ?? ""
    }
}

extension StoreAccess {
    fileprivate func hash(_ password: Password) async throws(InvokError) -> String {
        do throws(PasswordHashError) { return try await configuration.passwords.hash(password) } catch {
            throw InvokError(.unavailable, "the password was not hashed", inner: "\(error)")
        }
    }
}

/// `invok-core admin create`.
struct AdminCreateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make an admin's account, or an admin of a user.",
        discussion: "For example: invok-core admin create ada@example.com")

    @Argument(help: "The email address.")
    var email: String

    @OptionGroup var source: PasswordSource

    @ParentCommand var admin: AdminCommand

    func run() async throws {
        let access = try await StoreAccess(dataDirectory: admin.core.dataDir)
        let address: Email
        do throws(InvokError) { address = try Email(email) } catch { throw Failure.start(error) }
        var known: User?
        try await access.with(makesStore: true) { (store) throws(InvokError) in
            known = try await StoreAccess.asking { () throws(StoreError) in try await store.user(withEmail: address) }
        }
        let password = known == nil ? try source.read(for: address) : nil
        try await access.with { (store) throws(InvokError) in
            if var user = known {
                user.role = .admin
                try await StoreAccess.asking { [user] () throws(StoreError) in try await store.updateUser(user) }
                print("\(address) (\(user.id)) had an account, and is an admin now; its password stays")
                return
            }
            guard let password else { return }
            let user = User(
                id: UUIDValue(randomness: SystemRandomness()), email: address,
                passwordHash: try await access.hash(password), role: .admin, createdAt: SystemClock().wallTime())
            let made = try await StoreAccess.asking { () throws(StoreError) in try await store.createUser(user) }
            print("\(made.email) (\(made.id)) is an admin. Log in with: invok login -e \(made.email)")
        }
    }
}

/// `invok-core admin reset-password`.
struct AdminResetPasswordCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reset-password", abstract: "Give a user a new password.")

    @Argument(help: "The user's email address or identifier.")
    var user: String

    @OptionGroup var source: PasswordSource

    @ParentCommand var admin: AdminCommand

    func run() async throws {
        let access = try await StoreAccess(dataDirectory: admin.core.dataDir)
        var known: User?
        try await access.with { (store) throws(InvokError) in known = try await StoreAccess.user(user, in: store) }
        guard let found = known else { return }
        let password = try source.read(for: found.email)
        try await access.with { (store) throws(InvokError) in
            let hash = try await access.hash(password)
            let now = SystemClock().wallTime()
            try await StoreAccess.asking { () throws(StoreError) in
                try await store.endSessions(
                    of: found.id, passwordHash: hash, now: now,
                    until: now.advanced(by: access.configuration.tokenLifetime))
            }
            print("\(found.email) has a new password, and is logged out everywhere")
        }
    }
}

/// `invok-core admin list`.
struct AdminListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the accounts: address, role, identifier, since when.")

    /// Rows that are read at a time.
    private static let page = 500

    @ParentCommand var admin: AdminCommand

    func run() async throws {
        let access = try await StoreAccess(dataDirectory: admin.core.dataDir)
        try await access.with { (store) throws(InvokError) in
            var last: Email?
            repeat {
                let users = try await StoreAccess.asking { [last] () throws(StoreError) in
                    try await store.users(after: last, limit: Self.page)
                }
                for user in users {
                    let state = user.isDisabled ? "disabled" : user.role.rawValue
                    print("\(PlainText.escaped(user.email.description))\t\(state)\t\(user.id)\t\(user.createdAt)")
                }
                last = users.count == Self.page ? users.last?.email : nil
            } while last != nil
        }
    }
}
