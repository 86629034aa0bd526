import ArgumentParser
import InvokModel

struct SessionsCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "sessions", abstract: "List your logins, or end one of them.",
        discussion: "Example: invok sessions --end 5f0c4a52-1c1d-4e1f-8a2b-3c4d5e6f7a8b")

    @Option(help: ArgumentHelp("End this one.", valueName: "id"))
    var end: String?

    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        if let end { return try await self.end(end, context) }
        let sessions = try await context.withAccount { account in
            try await account.client.call(
                account.client.request(.GET, "/api/v1/sessions"), as: [SessionMessage].self)
        }
        if context.console.isJSON {
            try context.console.json(sessions)
            return .success
        }
        var table = Table("ID", "CLIENT", "FROM", "LAST USED", "")
        for session in sessions {
            table.add(
                session.id.description, session.client, session.address, session.usedAt,
                session.current ? "this one" : "")
        }
        context.console.result(table)
        return .success
    }

    private func end(_ text: String, _ context: Context) async throws -> ExitStatus {
        guard let id = UUIDValue(text) else {
            throw Failure.usage("'\(text)' is not a session's ID", nextStep: "see 'invok sessions'")
        }
        try await context.withAccount { account in
            try await account.client.perform(account.client.request(.DELETE, "/api/v1/sessions/\(id)"))
        }
        if context.console.isJSON {
            try context.console.json(["id": id.description])
        } else {
            context.console.result("Ended \(id)")
        }
        return .success
    }
}
