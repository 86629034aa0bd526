import ArgumentParser
import InvokModel

/// `invok invite`: who may make an account.
struct InviteCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invite", abstract: "Invite people to make an account (for admins).",
        discussion: "Example: invok invite create --role developer --expires 7d",
        subcommands: [InviteCreateCommand.self, InviteListCommand.self, InviteRevokeCommand.self])
}

extension Role: ExpressibleByArgument {}

/// A length of time on the command line: `90s`, `10m`, `1h30m`, `7d`.
struct TimeSpan: ExpressibleByArgument {
    let seconds: Int

    init?(argument: String) {
        guard case .ago(let seconds)? = SinceTime(argument), seconds > 0 else { return nil }
        self.seconds = Int(seconds)
    }
}

/// `invok invite create`.
struct InviteCreateCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make an invitation, which one person can use once.")

    @Option(help: "What the person becomes.")
    var role = Role.developer

    @Option(help: ArgumentHelp("How long it is good: 12h, 7d; 7d unless told.", valueName: "time"))
    var expires: TimeSpan?

    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let body = InvitationRequest(role: role, expiresSeconds: expires?.seconds)
        let (host, made) = try await context.withAccount { account in
            let client = account.client
            let request = try client.request(.POST, "/api/v1/invitations", json: body)
            return (client.host, try await client.call(request, as: InvitationMessage.self))
        }
        if context.console.isJSON {
            try context.console.json(made)
            return .success
        }
        context.console.result(made.code ?? "")
        context.console.note(
            "Good once, until \(made.expiresAt), for a \(made.role.rawValue). The person registers with:")
        context.console.note("  invok register --host \(host) --code \(made.code ?? "")")
        return .success
    }
}

/// `invok invite list`.
struct InviteListCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the invitations that are open.", aliases: ["ls"])

    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let invitations = try await context.withAccount { account in
            try await account.client.call(
                account.client.request(.GET, "/api/v1/invitations"), as: [InvitationMessage].self)
        }
        if context.console.isJSON {
            try context.console.json(invitations)
            return .success
        }
        guard !invitations.isEmpty else {
            context.console.note("There are no open invitations.")
            return .success
        }
        var table = Table("ID", "ROLE", "EXPIRES")
        for invitation in invitations {
            table.add(invitation.id.description, invitation.role.rawValue, invitation.expiresAt)
        }
        context.console.result(table)
        return .success
    }
}

/// `invok invite revoke`.
struct InviteRevokeCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Make an invitation useless.")

    @Argument(help: "The ID that 'invok invite list' shows.")
    var id: String

    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        guard let id = UUIDValue(id) else {
            throw Failure.usage("'\(id)' is not an invitation's ID", nextStep: "see 'invok invite list'")
        }
        try await context.withAccount { account in
            try await account.client.perform(account.client.request(.DELETE, "/api/v1/invitations/\(id)"))
        }
        if context.console.isJSON {
            try context.console.json(["id": id.description])
        } else {
            context.console.result("Revoked \(id)")
        }
        return .success
    }
}
