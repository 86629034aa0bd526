import ArgumentParser
import InvokModel

struct VersionsCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "versions", abstract: "List the versions of a function.")

    @OptionGroup var function: FunctionOptions
    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let name = try function.functionName(in: context)
        let versions = try await context.withAccount { account in
            let namespace = try await account.namespace(function.namespace)
            return try await account.about(name, namespace: namespace) {
                let path = "/api/v1/functions/\(namespace)/\(name)/versions"
                return try await account.client.call(account.client.request(.GET, path), as: [VersionMessage].self)
            }
        }
        if context.console.isJSON {
            try context.console.json(versions)
            return .success
        }
        guard !versions.isEmpty else {
            context.console.note("'\(name)' has no versions yet.")
            context.console.note("Next: deploy it with 'invok deploy -n \(name)'")
            return .success
        }
        var table = Table("VERSION", "STATE", "RUNTIME", "CREATED", "NOTE")
        for version in versions.sorted(by: { $0.number > $1.number }) {
            table.add(
                "\(version.number)", version.state.rawValue, version.runtime.rawValue, version.createdAt,
                version.active ? "active" : version.reason ?? "")
        }
        context.console.result(table)
        return .success
    }
}
