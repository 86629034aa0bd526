import ArgumentParser
import InvokModel

struct StatusCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show the server and what runs of your functions.")

    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let (host, status) = try await context.withAccount { account in
            let client = account.client
            return (client.host, try await client.call(client.request(.GET, "/api/v1/status"), as: StatusMessage.self))
        }
        if context.console.isJSON {
            try context.console.json(status)
            return .success
        }
        context.console.result("Host     \(host)")
        context.console.result("Version  \(status.version)")
        let world = status.world.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        if !world.isEmpty { context.console.result("World    \(world.joined(separator: ", "))") }
        guard !status.functions.isEmpty else {
            context.console.note("You have no functions there yet.")
            context.console.note("Next: make one with 'invok create -n hello'")
            return .success
        }
        context.console.result("")
        var table = Table("NAME", "VERSION", "INSTANCES", "REQUESTS")
        for function in status.functions {
            table.add(
                function.name, function.version.map(String.init) ?? "-", "\(function.instances)",
                "\(function.requests)")
        }
        context.console.result(table)
        return .success
    }
}
