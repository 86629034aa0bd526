import Foundation
import InvokModel
import NIOHTTP1
import Testing

@testable import InvokCLI

@Suite struct LogsCommandTests {
    private static let line =
        #"{"time":"2026-11-22T14:00:00.000Z","source":"stderr","instance":"i1","text":"hi","cursor":"#

    @Test(arguments: [
        ("30s", SinceTime.ago(seconds: 30)), ("10m", .ago(seconds: 600)), ("1h30m", .ago(seconds: 5400)),
        ("2d", .ago(seconds: 172_800)), ("0s", .ago(seconds: 0)),
        ("2026-11-22t14:00:00z", .point("2026-11-22T14:00:00Z")),
        ("2026-11-22T14:00:00.25+01:00", .point("2026-11-22T14:00:00.25+01:00")),
    ])
    func readsSince(_ text: String, _ expected: SinceTime) { #expect(SinceTime(text) == expected) }

    @Test(arguments: [
        "", "10", "m", "10x", "-10m", "1h30", "10m ", "99999999999d", "999999999d", "yesterday", "2026-11-22",
        "2026-11-22T14:00:00", "2026-11-22T14:00:00.Z", "2026-11-22T14:00:00+0100", "2026-11-22T14:00:00Zz",
    ])
    func refusesSince(_ text: String) { #expect(SinceTime(text) == nil) }

    @Test func countsBackFromNow() {
        let now = Timestamp(millisecondsSinceEpoch: 3_600_000)
        #expect(SinceTime.ago(seconds: 60).text(now: now) == "1970-01-01T00:59:00.000Z")
    }

    @Test func showsTheLines() async throws {
        try await StubServer.with({ _ in .init("[\(Self.line)1}]") }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            let outcome = try await sandbox.run("logs", "-n", "a", "--limit", "5", "--since", "2026-11-22T14:00:00Z")
            #expect(outcome.output == "2026-11-22T14:00:00.000Z stderr   hi\n")
            var requests = server.requests.makeAsyncIterator()
            let request = try #require(await requests.next())
            #expect(request.uri == "/api/v1/functions/\(namespace)/a/logs?since=2026-11-22T14%3A00%3A00Z&limit=5")
        }
    }

    @Test func theServerFilters() async throws {
        try await StubServer.with({ _ in .init("[]") }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            let outcome = try await sandbox.run(
                "logs", "-n", "a", "--where", "level=error", "--where", "-x=1", "--grep", "-v|b")
            #expect(outcome.errors == "'a' has printed nothing like that yet.\n")
            var requests = server.requests.makeAsyncIterator()
            let request = try #require(await requests.next())
            #expect(request.uri.hasSuffix("/logs?limit=100&where=level%3Derror&where=-x%3D1&grep=-v%7Cb"))
            for wrong in [["--where", "level"], ["--grep", "("]] {
                let outcome = try await sandbox.run(verb: ["logs", "-n", "a"] + wrong, host: server.address)
                #expect(
                    outcome.status == .usage
                        && outcome.errors.contains(wrong[0] == "--grep" ? "')'" : "http.status=500"))
            }
        }
    }

    /// As printed where a program reads; harmless where a person does.
    @Test func controlCharactersAreVisibleOnATerminalOnly() async throws {
        let line = #"{"time":"2026-11-22T14:00:00.000Z","source":"stdout","text":"a\u001b[31m\u202eb\tc","cursor":1}"#
        try await StubServer.with({ _ in .init("[\(line)]") }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            let plain = try await sandbox.run("logs", "-n", "a")
            #expect(plain.output == "2026-11-22T14:00:00.000Z stdout   a\u{1B}[31m\u{202E}b\tc\n")
            let json = try await sandbox.run("logs", "-n", "a", "--json")
            let text = try JSONDecoder().decode(LogMessage.self, from: Data(json.bytes)).text
            #expect(text == "a\u{1B}[31m\u{202E}b\tc")
            let shown = try await sandbox.terminal("logs", "-n", "a", showsResults: true)
            #expect(shown.hasSuffix("stdout   a\\x1B[31m\\u{202E}b\tc\r\n"))
        }
    }

    @Test func saysWhenThereIsNothing() async throws {
        try await StubServer.with({ _ in .init("[]") }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            let outcome = try await sandbox.run("logs", "-n", "a")
            #expect(outcome.errors == "'a' has printed nothing yet.\n")
            #expect(outcome.output.isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(1))) func followingGoesOnBehindTheLastLine() async throws {
        // Each connection brings one line and ends; the third is refused, which ends the command.
        try await StubServer.with({ request in
            switch request.headers.first(name: "Last-Event-ID") {
            case nil: .init(type: "text/event-stream", "id: 1\ndata: \(Self.line)1}\n\n")
            case "1": .init(type: "text/event-stream", "id: 2\ndata: \(Self.line)2}\n\n")
            default: .problem(403, "forbidden", "no more")
            }
        }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            let outcome = try await sandbox.run("logs", "-n", "a", "-f", "--json", "--grep", "h")
            // What was asked for is asked for again, but for how much.
            var uris: [String] = []
            for await request in server.requests {
                uris.append(String(request.uri.drop { $0 != "?" }))
                if uris.count == 3 { break }
            }
            #expect(uris == ["?limit=100&grep=h", "?grep=h", "?grep=h"])
            #expect(outcome.output.split(separator: "\n").count == 2)
            #expect(outcome.output.contains(#""cursor":2"#))
            #expect(outcome.errors.contains("no more"))
            #expect(outcome.status == .failure)
        }
    }
}
