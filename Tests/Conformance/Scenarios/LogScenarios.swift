import Foundation
import Invok
import Testing

@Suite(.seeded)
struct LogScenarios {
    @Test(arguments: WorldName.selected)
    func whatAFunctionPrintsIsInItsLog(_ world: WorldName) async throws {
        try await scenario("logs", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.logging("talks", "a line of the function"))
            #expect(try await client.get(client.path("talks")).status == 200)
            try await eventually(on: installation, "the line is in the log") {
                let lines = try await client.get(client.api("talks", "/logs")).json([LogMessage].self)
                return lines.contains { $0.source == .stdout && $0.text == "a line of the function" }
            }
            let limited = try await client.get(client.api("talks", "/logs?limit=1")).json([LogMessage].self)
            #expect(limited.count == 1)
            let future = try await client.get(client.api("talks", "/logs?since=2999-01-01T00:00:00Z"))
            #expect(future.text == "[]")
            #expect(try await client.get(client.api("talks", "/logs?since=yesterday")).status == 400)
        }
    }

    @Test(arguments: WorldName.selected)
    func newLinesAreStreamed(_ world: WorldName) async throws {
        try await scenario("log stream", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.logging("talks", "streamed"))
            let lines = try await client.lines("/invok/logs/\(client.namespace)/talks?limit=1")
            var seen = 0
            for try await line in lines {
                // Anything first, the comment that opens the stream included, tells that it listens.
                if seen == 0 { #expect(try await client.get(client.path("talks")).status == 200) }
                seen += 1
                guard line.hasPrefix("data:") else { continue }
                let message = try JSONDecoder().decode(LogMessage.self, from: Data(line.dropFirst(5).utf8))
                if message.text == "streamed" { return }
            }
            Issue.record("the stream ended without the line")
        }
    }
}
