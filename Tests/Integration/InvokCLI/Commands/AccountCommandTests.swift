import Foundation
import NIOHTTP1
import Testing

@testable import InvokCLI

@Suite struct AccountCommandTests {
    private static let answer = #"{"token":"t1","user":{"uuid":"\#(namespace)","email":"ada@example.com"}}"#

    @Test func registeringLogsInAndLoggingOutForgets() async throws {
        try await StubServer.with({ request in
            switch request.uri {
            case "/auth/register": .init(201, Self.answer)
            case "/api/v1/me": .init(#"{"uuid":"\#(namespace)","email":"ada@example.com","role":"developer"}"#)
            case "/invok/list": .init("[\(functionJSON("hello")),\(functionJSON("x"))]")
            default: .problem(404, "not_found", "no")
            }
        }) { server in
            let sandbox = try Sandbox()
            let registered = try await sandbox.run(
                "register", "-e", "Ada@example.com", "-p", "longenough", host: server.address)
            #expect(registered.output == "Registered and logged in as ada@example.com at \(server.address)\n")
            // The host is remembered from here on.
            #expect(try await sandbox.run("whoami").output.contains("ada@example.com"))
            let list = try await sandbox.run("list")
            #expect(list.output.split(separator: "\n")[0] == "NAME   RUNTIME  ACCESS   EGRESS  VERSION  URL")
            let row = list.output.split(separator: "\n")[2]
            #expect(row.hasPrefix("x      go       private  -       3        \(server.address)/"))
            #expect(try await sandbox.run("list", "--json").output.contains(#""active_version":3"#))
            #expect(
                try await sandbox.run("logout", host: server.address).output
                    == "Logged out ada@example.com at \(server.address)\n")
            #expect(try await sandbox.run("whoami").status == .notLoggedIn)
            var requests = server.requests.makeAsyncIterator()
            #expect(await requests.next()?.text.contains(#""email":"ada@example.com""#) == true)
            #expect(await requests.next()?.headers.first(name: "Authorization") == "Bearer t1")
        }
    }

    @Test func aServerWithoutTLSIsNotSpokenToByIt() async throws {
        try await StubServer.with({ _ in .problem(400, "invalid_request", "no") }) { server in
            let sandbox = try Sandbox()
            let host = server.address.replacing("http://", with: "https://")
            let outcome = try await sandbox.run("register", "-e", "ada@example.com", "-p", "longenough", host: host)
            #expect(outcome.status == .failure && outcome.errors.contains("does not speak TLS"), "\(outcome.errors)")
            #expect(outcome.errors.contains("begin its address with http://") && !outcome.errors.contains("boringssl"))
        }
    }

    @Test func aTokenInTheEnvironmentDecides() async throws {
        try await StubServer.with({ request in
            request.headers.first(name: "Authorization") == "Bearer given"
                ? .init("[]") : .problem(401, "unauthenticated", "this needs a valid token")
        }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            #expect(try await sandbox.run("list").status == .notLoggedIn)
            let outcome = try await sandbox.run("list", environment: ["INVOK_TOKEN": " given\n"])
            #expect(outcome.status == .success)
            #expect(outcome.errors.contains("invok create -n hello"))
        }
    }

    /// A project from somebody else names its own server: neither a token nor a password goes there unasked.
    @Test func secretsGoToNoServerThatOnlyTheProjectNames() async throws {
        let sandbox = try Sandbox()
        try sandbox.write(".serverless-cli-auth", #"{"host":"https://evil.invalid","sessions":{}}"#)
        #expect(chmod(sandbox.directory + "/.serverless-cli-auth", 0o600) == 0)
        for (arguments, environment) in [
            (["list"], ["ENV": "DOCKER", "INVOK_TOKEN": "t"]),
            (["login", "-e", "a@b.c", "-p", "longenough"], ["ENV": "DOCKER"]),
        ] {
            let refused = try await sandbox.run(verb: arguments, environment: environment)
            #expect(refused.status == .usage)
            #expect(refused.errors.contains("lies in the project's folder"))
            // The host is named: it is spoken to, and is not there.
            let named = try await sandbox.run(
                verb: arguments + ["--host", "https://evil.invalid"], environment: environment)
            #expect(named.status != .usage)
        }
    }

    @Test func takenAddressesLeadToLogin() async throws {
        try await StubServer.with({ _ in .problem(409, "email_taken", "there is an account already") }) { server in
            let outcome = try await Sandbox().run(
                "register", "-e", "a@b.c", "-p", "longenough", host: server.address)
            #expect(outcome.errors.contains("Next: log in with 'invok login -e a@b.c'"))
            #expect(outcome.status == .failure)
        }
    }

    @Test func whatIsMissingOrWrongIsUsage() async throws {
        let sandbox = try Sandbox()
        for line in [
            ["register"], ["register", "-e", "a"], ["register", "-e", "a@b.c"],
            ["register", "-e", "a@b.c", "-p", "short"],
        ] {
            #expect(try await sandbox.run(verb: line).status == .usage, "\(line)")
        }
    }

    @Test func namesTheHostThatDoesNotAnswer() async throws {
        let address = try await StubServer.with({ _ in .init("") }) { $0.address }
        let outcome = try await Sandbox().run("login", "-e", "a@b.c", "-p", "longenough", "--json", host: address)
        #expect(outcome.errors.contains(#""code":"unreachable""#))
        #expect(outcome.errors.contains("cannot reach \(address): connection refused"))
        #expect(outcome.status == .failure)
    }

    @Test func otherServersAreNotUnderstood() async throws {
        try await StubServer.with({ _ in .init(type: "text/html", "<html>") }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            #expect(try await sandbox.run("status").errors.contains("text/html"))
        }
    }

    @Test func deletingHasToBeConfirmed() async throws {
        try await StubServer.with({ _ in .init(204, "") }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            #expect(try await sandbox.run("delete", "-n", "a").status == .usage)
            #expect(try await sandbox.run("delete", "-n", "a", "-y").output == "Deleted a\n")
        }
    }
}
