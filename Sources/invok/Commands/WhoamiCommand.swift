import ArgumentParser
import InvokModel

struct WhoamiCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "whoami", abstract: "Show who is logged in, and where.")

    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let (host, user) = try await context.withAccount { account in
            let client = account.client
            return (client.host, try await client.call(client.request(.GET, "/api/v1/me"), as: UserMessage.self))
        }
        if context.console.isJSON {
            try context.console.json(LoginResult(host: host, user: user))
            return .success
        }
        context.console.result("Email      \(user.email)")
        context.console.result("Namespace  \(user.uuid)")
        if let role = user.role { context.console.result("Role       \(role.rawValue)") }
        context.console.result("Host       \(host)")
        return .success
    }
}
