import InvokModel
import Testing

@testable import InvokCLI

@Suite(.timeLimit(.minutes(1))) struct SecretCommandTests {
    private static let answer =
        #"{"name":"TOKEN","function":"hello","purpose":"run","changed_at":"2026-11-29T12:00:00Z","restarted":["hello"]}"#

    @Test func aValueComesFromAFileAndIsNotPrinted() async throws {
        try await StubServer.with({ _ in .init(Self.answer) }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            try sandbox.write("token.txt", "planted-77ab\n")
            let outcome = try await sandbox.run("secret", "set", "TOKEN", "-n", "hello", "-f", "token.txt", "--restart")
            #expect(outcome.status == .success && outcome.output == "TOKEN is set for 'hello'\n")
            #expect(outcome.errors.contains("The instances of 'hello' are being replaced"))
            #expect(!outcome.errors.contains("planted"))
            var requests = server.requests.makeAsyncIterator()
            let request = try #require(await requests.next())
            #expect(request.method == "PUT" && request.text == #"{"value":"planted-77ab"}"#)
            #expect(
                request.uri.hasPrefix("/api/v1/functions/")
                    && request.uri.hasSuffix("/hello/secrets/TOKEN?restart=true"))
            // A text of several lines is what it is.
            try sandbox.write("key.pem", "a\nb\n")
            _ = try await sandbox.run("secret", "set", "KEY", "-f", "key.pem")
            while let next = await requests.next() {
                guard next.method == "PUT" else { continue }
                #expect(next.text == #"{"value":"a\nb\n"}"#)
                #expect(next.uri.hasPrefix("/api/v1/secrets/") && next.uri.hasSuffix("/KEY"))
                break
            }
        }
    }

    @Test(arguments: [["secret", "set", "TOKEN", "planted"], ["secret", "set", "TOKEN=planted"]])
    func aValueOnTheCommandLineIsRefused(_ arguments: [String]) async throws {
        let outcome = try await Sandbox().run(verb: arguments)
        #expect(outcome.status == .usage && outcome.output.isEmpty)
        #expect(outcome.errors.contains("not given on the command line"))
        #expect(outcome.errors.contains("Next: run 'invok secret set TOKEN' and type it, or give its file with -f"))
        #expect(!outcome.errors.contains("planted"))
    }

    @Test func whatIsNoValueOrNoNameIsRefused() async throws {
        let sandbox = try Sandbox()
        try sandbox.write("empty", "\n")
        for (arguments, word) in [
            (["token"], "starting with a letter"), (["INVOK_A"], "another name"),
            (["A", "-f", "nowhere"], "no such file"),
            (["A", "-f", "empty"], "is empty"), (["A", "-n", "No", "-f", "empty"], "is not a function name"),
        ] {
            let outcome = try await sandbox.run(verb: ["secret", "set"] + arguments)
            #expect(outcome.status != .success && outcome.errors.contains(word), "\(outcome.errors)")
        }
    }

    @Test func theListHasNamesAlone() async throws {
        let list =
            #"[{"name":"A","purpose":"run","changed_at":"x"},{"name":"B","function":"b","purpose":"run","changed_at":"y"}]"#
        try await StubServer.with({ _ in .init(list) }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            let all = try await sandbox.run("secret", "list")
            #expect(all.output.contains("(all)") && all.output.contains("b "))
            let own = try await sandbox.run("secret", "list", "-n", "a")
            #expect(own.output.contains("A ") && !own.output.contains("B "))
            #expect(try await sandbox.run("secret", "list", "--json").output.contains(#""name":"B""#))
        }
    }
}
