import ArgumentParser
import InvokModel

/// What every verb takes.
struct CommonOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The server, as http://localhost:3000.", valueName: "url"))
    var host: String?

    @Flag(help: "Print the result as JSON on stdout.")
    var json = false

    @Flag(name: [.customShort("q"), .long], help: "Print the result and errors, and nothing else.")
    var quiet = false
}

/// Names a function.
struct FunctionOptions: ParsableArguments {
    @Option(
        name: [.customShort("n"), .long],
        help: "The function. May be left out in its project's folder.")
    var name: String?

    @Option(help: ArgumentHelp("The namespace of another user who shares it with you.", valueName: "uuid"))
    var namespace: String?

    /// - Throws: `Failure` of wrong usage for a name outside the rule, or where none can be found.
    func functionName(in context: Context) throws(Failure) -> FunctionName {
        guard let name else { return try ProjectFolder.currentName(context.directory) }
        return try Self.checked(name)
    }

    static func checked(_ name: String) throws(Failure) -> FunctionName {
        do {
            return try FunctionName(name)
        } catch {
            throw Failure(error, status: .usage)
        }
    }
}

/// A command of `invok`: parsed by the argument parser, run in a context.
protocol Verb: AsyncParsableCommand {
    var options: CommonOptions { get }

    /// - Returns: the exit status where nothing is to be said about it; mostly `.success`.
    /// - Throws: `Failure`
    func run(in context: Context) async throws -> ExitStatus
}
