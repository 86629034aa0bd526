import Foundation
import InvokModel
import Testing

@testable import InvokCLI

@Suite struct StatsCommandTests {
    private static let figures = #""cold_starts":1,"instances":2,"p50_ms":1.234,"p95_ms":45.67,"p99_ms":1500}"#
    private static let answer =
        #"{"since":"2026-11-22T14:00:00.000Z","until":"2026-11-22T15:00:00.000Z","step_seconds":300,"instances":2,"#
        + #""total":{"calls":2000,"errors":3,\#(figures),"points":[{"time":"2026-11-22T14:05:00.000Z","#
        + #""figures":{"calls":2000,"errors":3,\#(figures)}]}"#

    @Test func showsATable() async throws {
        try await StubServer.with({ _ in .init(Self.answer) }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            let outcome = try await sandbox.run("stats", "-n", "a", "--since", "2026-11-22T14:00:00Z")
            #expect(
                outcome.output == """
                    SINCE              CALLS  ERRORS     P50      P95      P99    COLD STARTS  INSTANCES
                    2026-11-22T14:05Z  2000   3 (0.2 %)  1.23 ms  45.7 ms  1.5 s  1            2
                    all                2000   3 (0.2 %)  1.23 ms  45.7 ms  1.5 s  1            2

                    """)
            var requests = server.requests.makeAsyncIterator()
            let request = try #require(await requests.next())
            #expect(
                request.uri
                    == "/api/v1/functions/\(namespace)/a/stats?since=2026-11-22T14%3A00%3A00Z&points=12")
        }
    }

    @Test func saysWhereNothingWasCalled() async throws {
        let nothing = Self.answer.replacing(#""calls":2000"#, with: #""calls":0"#)
        try await StubServer.with({ _ in .init(nothing) }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            let outcome = try await sandbox.run("stats", "-n", "a")
            #expect(outcome.output.isEmpty)
            #expect(outcome.errors == "'a' was not called on this server since 2026-11-22T14:00Z.\n")
        }
    }

    @Test func asJSONItIsWhatTheServerSays() async throws {
        try await StubServer.with({ _ in .init(Self.answer) }) { server in
            let sandbox = try Sandbox()
            try sandbox.logIn(at: server.address)
            let outcome = try await sandbox.run("stats", "-n", "a", "--json")
            let said = try JSONDecoder().decode(StatsMessage.self, from: Data(outcome.output.utf8))
            #expect(said.total.p99 == 1500 && said.points.count == 1)
        }
    }

    @Test func aTimeThatIsNoneIsNamed() async throws {
        let outcome = try await Sandbox().run(
            verb: ["stats", "-n", "a", "--since", "yesterday"], host: "http://localhost:1")
        #expect(outcome.status == .usage && outcome.errors.contains("10m, 2h, 1d"))
    }

    @Test(arguments: [
        (0.049, "0.05 ms"), (1.234, "1.23 ms"), (9.999, "10.0 ms"), (45.67, "45.7 ms"), (123.4, "123 ms"),
        (999.6, "1000 ms"), (1500, "1.5 s"), (123_456, "123 s"),
    ])
    func durationsHaveThreeDigits(milliseconds: Double, text: String) {
        #expect(StatsCommand.duration(milliseconds) == text)
    }

    @Test func whatIsNotKnownIsADash() { #expect(StatsCommand.duration(nil) == "-") }
}
