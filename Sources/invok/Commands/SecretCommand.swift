import ArgumentParser
import InvokModel

/// `invok secret`: what functions get and nobody reads again.
struct SecretCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secret", abstract: "Set, list and remove the secrets of your functions.",
        discussion: """
            A function gets those that its config.json names: "secrets": ["TOKEN", {"name": "KEY", "as": "file"}]. \
            Builds have all that is set with --build, as variables. \
            A value goes in and never comes out. A function's own secret (-n) goes before one of the namespace.
            Example: invok secret set TOKEN -f token.txt
            """,
        subcommands: [SecretSetCommand.self, SecretListCommand.self, SecretRemoveCommand.self])
}

/// Says which secrets are meant.
struct SecretOptions: ParsableArguments {
    @Option(name: [.customShort("n"), .long], help: "The function; without it, all functions of the namespace.")
    var name: String?

    @Option(help: ArgumentHelp("The namespace of another user who shares it with you.", valueName: "uuid"))
    var namespace: String?

    @Flag(help: "One of builds: a variable of theirs, which no instance has.")
    var build = false

    /// As the query parameter `purpose`.
    var purpose: String? { build ? SecretKey.Purpose.build.rawValue : nil }

    /// - Throws: `Failure` of wrong usage for a name outside the rule.
    func functionName() throws(Failure) -> FunctionName? {
        try name.map { (name) throws(Failure) in try FunctionOptions.checked(name) }
    }

    /// The path of a secret's resource.
    func path(of secret: SecretName, in namespace: Namespace) throws(Failure) -> String {
        guard let function = try functionName() else { return "/api/v1/secrets/\(namespace)/\(secret)" }
        return "/api/v1/functions/\(namespace)/\(function)/secrets/\(secret)"
    }

    /// Whose the secret is, for people.
    var scope: String { name.map { "'\($0)'" } ?? "all functions" }

    static func checked(_ secret: String) throws(Failure) -> SecretName {
        do {
            return try SecretName(secret)
        } catch {
            throw Failure(error, status: .usage)
        }
    }
}

struct SecretSetCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "set", abstract: "Set a secret, from a file, from stdin or from a prompt.",
        discussion: """
            The end of the line of a value of one line is not part of it. The next instances have the new value; --restart \
            replaces those that run, and loses no request.
            Example: openssl rand -hex 32 | invok secret set SESSION_KEY -n hello
            """)

    @Argument(help: "What it is called: A-Z, 0-9 and _, starting with a letter.")
    var secret: String

    @Argument(help: .hidden)
    var rest: [String] = []

    @Option(name: .shortAndLong, help: ArgumentHelp("The file with the value; - for stdin.", valueName: "path"))
    var file: String?

    @Flag(help: "Replace the running instances that have it now.")
    var restart = false

    @OptionGroup var secrets: SecretOptions
    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        guard rest.isEmpty, !secret.contains("=") else {
            let name = secret.prefix { $0 != "=" }
            throw .usage(
                "a value is not given on the command line: others find it in the list of processes and in your history",
                nextStep: "run 'invok secret set \(name)' and type it, or give its file with -f") as Failure
        }
        let name = try SecretOptions.checked(secret)
        // Before anybody types a value.
        _ = try secrets.functionName()
        let value = try value(of: name, in: context)
        let (message, isKnown) = try await context.withAccount { account in
            let namespace = try await account.namespace(secrets.namespace)
            let request = try account.client.request(
                .PUT, secrets.path(of: name, in: namespace),
                query: [("restart", restart ? "true" : nil), ("purpose", secrets.purpose)],
                json: SecretUpdate(value: value.text))
            let message: SecretMessage = try await account.client.call(request)
            guard let function = try secrets.functionName() else { return (message, true) }
            return (message, try await isDeployed(function, namespace, account.client))
        }
        guard !context.console.isJSON else {
            try context.console.json(message)
            return .success
        }
        context.console.result("\(name) is set for \(secrets.build ? "builds of " : "")\(secrets.scope)")
        if !isKnown {
            context.console.note("There is no function \(secrets.scope) yet; its first deploy finds the secret.")
        }
        for function in message.restarted ?? [] {
            context.console.note("The instances of '\(function)' are being replaced")
        }
        if secrets.build {
            context.console.note("The next build has it.")
        } else if !restart, isKnown {
            context.console.note("The next instances have it; --restart replaces those that run.")
        }
        return .success
    }

    private func value(of name: SecretName, in context: Context) throws -> SecretValue {
        var text: String
        if file == nil, context.prompt.isInteractive {
            guard let typed = context.prompt.secret("Value of \(name): "), !typed.isEmpty else {
                throw Failure.usage("no value was given", nextStep: "type it, or give its file with -f")
            }
            text = typed
        } else {
            let path = file == "-" ? nil : file
            let bytes =
                try path.map { (path) throws(Failure) in try read(path, in: context.directory) }
                ?? Files.readStandardInput()
            guard let given = String(validating: bytes, as: UTF8.self) else {
                throw Failure.usage(
                    "\(path ?? "stdin") is no text in UTF-8",
                    nextStep: "encode it, as by base64, and decode it in the function")
            }
            text = given
            // As `echo` and editors end it. A text of several lines, as a key, stays as it is.
            if let end = text.firstIndex(where: \.isNewline), text.index(after: end) == text.endIndex {
                text.removeLast()
            }
        }
        do throws(InvokError) {
            return try SecretValue(text)
        } catch {
            throw Failure(error, status: .usage)
        }
    }

    private func read(_ path: String, in directory: String) throws(Failure) -> [UInt8] {
        guard let bytes = try Files.read(path.hasPrefix("/") ? path : directory + "/" + path) else {
            throw .file(path, "read", "there is no such file")
        }
        return bytes
    }

    private func isDeployed(_ name: FunctionName, _ namespace: Namespace, _ client: APIClient) async throws -> Bool {
        do {
            try await client.perform(client.request(.GET, "/api/v1/functions/\(namespace)/\(name)"))
            return true
        } catch let failure as Failure where failure.code == InvokError.Code.notFound.rawValue {
            return false
        }
    }
}

struct SecretListCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the secrets, by name: nobody gets a value.", aliases: ["ls"])

    @OptionGroup var secrets: SecretOptions
    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let function = try secrets.functionName()
        let all = try await context.withAccount { account in
            let namespace = try await account.namespace(secrets.namespace)
            return try await account.client.call(
                account.client.request(.GET, "/api/v1/secrets/\(namespace)"), as: [SecretMessage].self)
        }
        // What a function may have: its own, and those of all functions.
        let shown = all.filter { !secrets.build || $0.purpose == .build }.filter {
            function == nil || $0.function == nil || $0.function == function?.description
        }
        guard !context.console.isJSON else {
            try context.console.json(shown)
            return .success
        }
        guard !shown.isEmpty else {
            context.console.note("There are no secrets yet.")
            context.console.note("Next: set one with 'invok secret set TOKEN'")
            return .success
        }
        var table = Table("NAME", "FUNCTION", "FOR", "CHANGED")
        for secret in shown {
            table.add(
                secret.name, secret.function ?? "(all)", secret.purpose == .build ? "builds" : "instances",
                secret.changedAt)
        }
        context.console.result(table)
        return .success
    }
}

struct SecretRemoveCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Remove a secret; instances that have it keep it.", aliases: ["remove", "delete"])

    @Argument(help: "Its name.")
    var secret: String

    @Flag(help: "Also where a function needs it, which then starts no more.")
    var force = false

    @OptionGroup var secrets: SecretOptions
    @OptionGroup var options: CommonOptions

    func run(in context: Context) async throws -> ExitStatus {
        let name = try SecretOptions.checked(secret)
        try await context.withAccount { account in
            let namespace = try await account.namespace(secrets.namespace)
            try await account.client.perform(
                account.client.request(
                    .DELETE, secrets.path(of: name, in: namespace),
                    query: [("force", force ? "true" : nil), ("purpose", secrets.purpose)]))
        }
        if context.console.isJSON {
            try context.console.json(["name": name.description])
        } else {
            context.console.result("Removed \(name) from \(secrets.scope)")
        }
        return .success
    }
}
