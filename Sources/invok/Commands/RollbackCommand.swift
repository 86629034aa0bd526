import ArgumentParser
import InvokModel

struct RollbackCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "rollback", abstract: "Make an older version of a function active again.",
        discussion: "Without --to it is the newest ready version before the active one.")

    @OptionGroup var function: FunctionOptions

    @Option(help: ArgumentHelp("The version to go to; see 'invok versions'.", valueName: "version"))
    var to: Int?

    @OptionGroup var options: CommonOptions

    func validate() throws {
        if let to, to < 1 { throw ValidationError("--to is \(to), but versions count from 1.") }
    }

    func run(in context: Context) async throws -> ExitStatus {
        let name = try function.functionName(in: context)
        let (host, answer) = try await context.withAccount { account in
            let namespace = try await account.namespace(function.namespace)
            let client = account.client
            let request = try client.request(
                .POST, "/api/v1/functions/\(namespace)/\(name)/rollback", json: RollbackRequest(to: to))
            return try await account.about(name, namespace: namespace) {
                try await context.console.progress("Rolling back \(name)") {
                    (client.host, try await client.call(request, as: DeployResponse.self, timeout: .seconds(5 * 60)))
                }
            }
        }
        if context.console.isJSON {
            try context.console.json(answer)
        } else {
            context.console.note("\(name) version \(answer.version) is active")
            context.console.result("\(host)\(answer.path)")
        }
        return .success
    }
}
