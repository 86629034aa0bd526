import ArgumentParser
import Testing

@testable import InvokCLI

@Suite struct MainTests {
    @Test func printsTheVersion() async throws {
        let outcome = try await Sandbox().run("--version")
        #expect(outcome.output == "invok 0.1.0\n")
        #expect(outcome.errors.isEmpty)
        #expect(outcome.status == .success)
    }

    @Test func helpIsAResult() async throws {
        let outcome = try await Sandbox().run("--help")
        #expect(outcome.output.contains("USAGE: invok"))
        #expect(outcome.status == .success)
    }

    @Test func suggestsTheVerb() async throws {
        let outcome = try await Sandbox().run("dpeloy", "-n", "x")
        #expect(
            outcome.errors
                == "Error: 'dpeloy' is not a command of invok\nNext: did you mean 'invok deploy'? See 'invok --help'\n")
        #expect(outcome.output.isEmpty)
        #expect(outcome.status == .usage)
    }

    @Test func saysHowToNameAFunction() async throws {
        let outcome = try await Sandbox().run("deploy", "hello")
        #expect(outcome.errors.contains("'invok deploy -n NAME'"))
        #expect(outcome.status == .usage)
    }

    @Test func commonOptionsMayStandBeforeTheVerb() {
        #expect(CommandLineRun.verbFirst(["--json", "--host", "h", "list"]) == ["list", "--json", "--host", "h"])
        #expect(CommandLineRun.verbFirst(["list", "--json"]) == ["list", "--json"])
        #expect(CommandLineRun.verbFirst(["--help"]) == ["--help"])
        #expect(CommandLineRun.verbFirst(["--json"]) == ["--json"])
        #expect(CommandLineRun.verbFirst(["--host"]) == ["--host"])
        #expect(CommandLineRun.verbFirst(["-q", "--version"]) == ["-q", "--version"])
    }

    @Test(arguments: [
        "register -e a@b.c -p longenough", "login -e a@b.c --password-stdin", "login", "logout", "logout --all",
        "whoami", "sessions",
        "sessions --end x", "password --passwords-stdin", "invite create --role viewer --expires 1h", "invite ls",
        "invite revoke x", "register --code A",
        "create -n a", "create --name a -r python", "deploy", "deploy -n a --public --watch",
        "deploy -n a --private -w",
        "list", "ls --json -q", "invoke -n a", "invoke -n a -X PUT -H A:b -H C:d -d @- /p?q -i", "invoke -n a -d -5",
        "logs -n a -f --since 10m --limit 5", "versions -n a", "rollback -n a --to 3", "delete -n a --yes",
        "rm -n a -y",
        "secret set A", "secret set A -n a -f x --restart", "secret list", "secret ls -n a", "secret rm A --force",
        "status --host http://x", "completion zsh",
    ])
    func parses(_ line: String) throws {
        _ = try #require(try InvokCommand.parseAsRoot(line.split(separator: " ").map(String.init)) as? any Verb)
    }

    @Test(arguments: [
        "create", "create -n", "delete", "deploy --public --private", "logs -n a --since yesterday", "logs --limit 0",
        "logs --limit x", "rollback --to 0", "invoke -n a -H broken", "invoke -n a -X G/T", "invoke -n a http://evil/",
        "invoke -n a /a /b", "login -p x --password-stdin", "completion tcsh", "list --nonsense", "whoami extra",
        "invite create --role boss",
        "invite create --expires soon", "invite revoke x", "sessions --end x",
    ])
    func refuses(_ line: String) async throws {
        let sandbox = try Sandbox()
        var run = CommandLineRun(
            arguments: line.split(separator: " ").map(String.init), environment: ["HOME": sandbox.directory],
            directory: sandbox.directory)
        (run.output, run.diagnostics) = (-1, -1)
        #expect(await run.perform() == .usage)
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func printsACompletionScript(_ shell: String) async throws {
        let outcome = try await Sandbox().run("completion", shell)
        #expect(outcome.status == .success)
        #expect(outcome.output.contains("rollback"))
    }
}
