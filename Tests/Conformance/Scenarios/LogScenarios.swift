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

    /// Long lines come whole or say by how much they are cut; of a flood the end is there, and what is missing is counted.
    @Test(arguments: WorldName.selected)
    func nothingIsMissingThatIsNotCounted(_ world: WorldName) async throws {
        try await scenario("long lines and floods", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.flooding("floods"))
            #expect(try await client.get(client.path("floods")).status == 200)
            var lines: [LogMessage] = []
            try await eventually(on: installation, "the end of the flood is in the log") {
                lines = try await client.get(client.api("floods", "/logs?limit=10000")).json([LogMessage].self)
                return lines.last { $0.source == .stdout }?.text == "the end"
            }
            let long = lines.filter { $0.text.utf8.count > 100_000 }.map(\.text)
            #expect(long.first == String(repeating: "x", count: 200_000))
            #expect(long.last == String(repeating: "x", count: LogLine.maximumBytes) + " … [37,856 bytes cut]")
            let missing = lines.filter { $0.source == .platform }.compactMap { line in
                line.text.firstMatch(of: /^([0-9,]+) lines? left out/).flatMap { Int($0.output.1.filter { $0 != "," }) }
            }
            #expect(missing.reduce(0, +) + lines.count { $0.text == "chatter" } == 5000)
        }
    }

    @Test(arguments: WorldName.selected)
    func linesAreFiltered(_ world: WorldName) async throws {
        try await scenario("log filters", on: world) { installation in
            let client = try await Client.register(on: installation)
            try await client.deployed(.loggingJSON("talks"))
            #expect(try await client.get(client.path("talks")).status == 200)
            func texts(_ query: String) async throws -> [String] {
                try await client.get(client.api("talks", "/logs?\(query)")).json([LogMessage].self).map(\.text)
            }
            try await eventually(on: installation, "the lines are in the log") {
                try await texts("grep=^done$") == ["done"]
            }
            let error = #"{"level":"error","http":{"status":500},"note":"\u202e"}"#
            #expect(try await texts("where=level%3Derror&where=http.status%3D500") == [error])
            #expect(try await texts("where=level%3Derror&where=http.status%3D200") == [])
            #expect(try await texts("grep=level|done") == [#"{"level":"info"}"#, error, "done"])
            for query in ["where=level", "grep=(", "grep="] {
                #expect(try await client.get(client.api("talks", "/logs?\(query)")).status == 400)
            }
            let follow = "/invok/logs/\(client.namespace)/talks?where=level%3Derror"
            for try await line in try await client.lines(follow) where line.hasPrefix("data:") {
                let message = try JSONDecoder().decode(LogMessage.self, from: Data(line.dropFirst(5).utf8))
                #expect(message.text == error)
                return
            }
            Issue.record("the stream ended without the line")
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
