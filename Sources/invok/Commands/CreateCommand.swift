import ArgumentParser
import InvokModel

struct CreateCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "create", abstract: "Make a new function's folder.",
        discussion: "Example: invok create -n hello -r python")

    @Option(name: [.customShort("n"), .long], help: "The function: a-z, 0-9 and dashes, starting with a letter.")
    var name: String

    @Option(
        name: [.customShort("r"), .long],
        help: ArgumentHelp(
            "The language: \(Runtime.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "runtime"),
        completion: .list(Runtime.allCases.map(\.rawValue)))
    var runtime = Runtime.go.rawValue

    @OptionGroup var options: CommonOptions

    private struct Result: Encodable {
        var name: String
        var runtime: Runtime
        var files: [String]
    }

    func run(in context: Context) async throws -> ExitStatus {
        let name = try FunctionOptions.checked(name)
        guard let runtime = Runtime(rawValue: runtime) else {
            let known = Runtime.allCases.map(\.rawValue)
            let aliases = ["node": "nodejs", "js": "nodejs", "typescript": "nodejs", "golang": "go", "py": "python"]
            let nearest = aliases[runtime.lowercased()] ?? Suggestion.nearest(to: runtime.lowercased(), among: known)
            throw Failure.usage(
                "the runtime '\(runtime)' is unknown",
                nextStep: nearest.map { "did you mean '-r \($0)'?" } ?? "use one of \(known.joined(separator: ", "))")
        }
        let (paths, isListed) = try NewProject(name: name, runtime: runtime).write(in: context.directory)
        if context.console.isJSON {
            try context.console.json(Result(name: name.description, runtime: runtime, files: paths))
            return .success
        }
        for path in paths { context.console.result(path) }
        if !isListed { context.console.note("./config.json is no list of functions and stays as it is") }
        context.console.note("Next: deploy it with 'invok deploy -n \(name)'")
        return .success
    }
}
