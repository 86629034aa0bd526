import ArgumentParser
import InvokModel

struct ListCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List your functions.", aliases: ["ls"])

    @Option(help: ArgumentHelp("The namespace of another user who shares it with you.", valueName: "uuid"))
    var namespace: String?

    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let (host, functions) = try await context.withAccount { account in
            let given = try await namespace == nil ? nil : account.namespace(namespace)
            let request = account.client.request(.GET, "/invok/list", query: [("namespace", given?.description)])
            return (account.client.host, try await account.client.call(request, as: [FunctionMessage].self))
        }
        if context.console.isJSON {
            try context.console.json(functions)
            return .success
        }
        guard !functions.isEmpty else {
            context.console.note("There are no functions at \(host) yet.")
            context.console.note("Next: make one with 'invok create -n hello' and 'invok deploy -n hello'")
            return .success
        }
        var table = Table("NAME", "RUNTIME", "ACCESS", "EGRESS", "VERSION", "URL")
        for function in functions {
            table.add(
                function.name, function.runtime?.rawValue ?? "-", function.access.rawValue,
                function.egress?.summary ?? "-", function.activeVersion.map(String.init) ?? "-",
                "\(host)\(function.path)")
        }
        context.console.result(table)
        return .success
    }
}
