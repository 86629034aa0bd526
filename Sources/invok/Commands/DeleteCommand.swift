import ArgumentParser
import InvokModel

struct DeleteCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "delete", abstract: "Delete a function with all its versions and logs.", aliases: ["rm"])

    // No project's name here: what is deleted for good is named.
    @Option(name: [.customShort("n"), .long], help: "The function.")
    var name: String

    @Option(help: ArgumentHelp("The namespace of another user who shares it with you.", valueName: "uuid"))
    var namespace: String?

    @Flag(name: [.customShort("y"), .long], help: "Do not ask.")
    var yes = false

    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let name = try FunctionOptions.checked(name)
        if !yes {
            guard context.prompt.isInteractive, !context.console.isJSON else {
                throw Failure.usage(
                    "deleting '\(name)' has to be confirmed", nextStep: "add --yes where nobody can be asked")
            }
            guard context.prompt.confirm("Delete '\(name)' with all its versions and logs?") else {
                throw Failure("not_confirmed", "nothing was deleted")
            }
        }
        try await context.withAccount { account in
            let namespace = try await account.namespace(namespace)
            try await account.about(name, namespace: namespace) {
                try await account.client.perform(
                    account.client.request(.DELETE, "/api/v1/functions/\(namespace)/\(name)"))
            }
        }
        if context.console.isJSON {
            try context.console.json(["name": name.description])
        } else {
            context.console.result("Deleted \(name)")
        }
        return .success
    }
}
