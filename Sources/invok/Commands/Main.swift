import ArgumentParser
import InvokModel

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@main
enum Main {
    static func main() async {
        Interrupt.install()
        let status = await CommandLineRun(
            arguments: Array(CommandLine.arguments.dropFirst()), environment: ProcessEnvironment.variables(),
            directory: Files.currentDirectory()
        ).perform()
        exit(status.rawValue)
    }
}

/// The verbs of `invok`.
struct InvokCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invok",
        abstract: "Deploy functions to an Invok server and call them at a URL.",
        discussion: """
            Begin with 'invok register', 'invok create -n hello', 'invok deploy -n hello' and 'invok invoke -n hello'.

            Every verb takes --host, --json and --quiet. Environment: INVOK_HOST (the server), INVOK_TOKEN (instead of \
            a login), NO_COLOR.
            Exit codes: 0 success, 1 failure, 4 not logged in, 64 wrong usage, 130 interrupted.
            """,
        version: "invok \(InvokVersion.current)",
        groupedSubcommands: [
            CommandGroup(
                name: "Functions",
                subcommands: [
                    CreateCommand.self, DeployCommand.self, InvokeCommand.self, LogsCommand.self, StatsCommand.self,
                    ListCommand.self, VersionsCommand.self, RollbackCommand.self, DeleteCommand.self,
                    SecretCommand.self,
                ]),
            CommandGroup(
                name: "Account",
                subcommands: [
                    RegisterCommand.self, LoginCommand.self, LogoutCommand.self, WhoamiCommand.self,
                    SessionsCommand.self, PasswordCommand.self, InviteCommand.self,
                ]),
            CommandGroup(name: "Server and shell", subcommands: [StatusCommand.self, CompletionCommand.self]),
        ])

    static let verbs =
        configuration.subcommands.flatMap {
            [$0.configuration.commandName].compactMap(\.self) + $0.configuration.aliases
        } + ["help"]
}

/// One run of `invok`, from arguments to exit status.
struct CommandLineRun {
    let arguments: [String]
    let environment: [String: String]
    let directory: String
    var output: Int32 = STDOUT_FILENO
    var diagnostics: Int32 = STDERR_FILENO
    /// `nil`: whether stdin is a terminal.
    var isInteractive: Bool?

    func perform() async -> ExitStatus {
        let arguments = Self.verbFirst(arguments)
        if let word = arguments.first, !word.hasPrefix("-"), !InvokCommand.verbs.contains(word) {
            let nearest = Suggestion.nearest(to: word.lowercased(), among: InvokCommand.verbs)
            console().report(
                .usage(
                    "'\(word)' is not a command of invok",
                    nextStep: (nearest.map { "did you mean 'invok \($0)'? " } ?? "") + "See 'invok --help'"))
            return .usage
        }
        do {
            var command = try InvokCommand.parseAsRoot(arguments)
            guard let verb = command as? any Verb else {
                try command.run()
                return .success
            }
            return await perform(verb)
        } catch {
            return explain(error, verb: arguments.first)
        }
    }

    private func perform(_ verb: some Verb) async -> ExitStatus {
        let context = Context(
            options: verb.options, environment: environment, directory: directory, console: console(verb.options),
            isInteractive: isInteractive)
        do {
            return try await verb.run(in: context)
        } catch let failure as Failure {
            context.console.report(failure)
            return failure.status
        } catch let error as InvokError {
            context.console.report(Failure(error))
            return .failure
        } catch {
            context.console.report(Failure("internal", "\(error)"))
            return .failure
        }
    }

    private func console(_ options: CommonOptions? = nil) -> Console {
        Console(
            output: output, diagnostics: diagnostics, isJSON: options?.json ?? false,
            isQuiet: options?.quiet ?? false, environment: environment)
    }

    /// Prints what the argument parser has to say: help and the version on stdout, mistakes on stderr.
    private func explain(_ error: any Error, verb: String?) -> ExitStatus {
        let console = console()
        let text = InvokCommand.fullMessage(for: error)
        guard InvokCommand.exitCode(for: error) != .success else {
            console.write(Array((text.hasSuffix("\n") ? text : text + "\n").utf8))
            return .success
        }
        console.say(text)
        if text.contains("Unexpected argument"), let verb, InvokCommand.verbs.contains(verb) {
            console.say("Next: name the function with -n, as in 'invok \(verb) -n NAME'")
        }
        return .usage
    }

    /// `invok --json list` means `invok list --json`: options that every verb has may stand before it.
    static func verbFirst(_ arguments: [String]) -> [String] {
        var index = 0
        while index < arguments.count {
            switch arguments[index] {
            case "--json", "--quiet", "-q": index += 1
            case "--host": index += 2
            case let word where word.hasPrefix("--host="): index += 1
            default:
                guard index > 0, !arguments[index].hasPrefix("-") else { return arguments }
                return [arguments[index]] + arguments[..<index] + arguments[(index + 1)...]
            }
        }
        return arguments
    }
}

/// The environment of this process.
enum ProcessEnvironment {
    static func variables() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let pair = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return variables
    }
}
