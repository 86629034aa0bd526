import Foundation
import TestSupport
import Testing

#if os(Linux)
    import Glibc

    /// How long the calls go on.
    private let seconds = ProcessInfo.processInfo.environment["SOAK_SECONDS"].flatMap { Int($0) } ?? 12

    /// Many thousand calls of every kind, after which the server holds what it held before. `SOAK_SECONDS` says for how long.
    @Suite(.timeLimit(.minutes(seconds / 60 + 4)))
    struct SoakTests {
        private static let warmUpSeconds = 2
        private static let clients = 12
        /// What one address may have open.
        private static let connections = 256
        /// What a server may grow by, in bytes: pages that the C library keeps, and what is kept for each namespace.
        private static let growthBytes = 48 << 20

        @Test func allIsGivenBack() async throws {
            try await withFolder { folder in
                let core = try await CoreProcess.start(
                    dataDirectory: folder.path + "/data", port: 0,
                    environment: [
                        "INVOK_CONNECTIONS_PER_ADDRESS": "\(Self.connections)", "LOG_LEVEL": "error",
                        "INVOK_QUOTAS": "invocationsPerSecond=unlimited deploysPerHour=unlimited uploads=2 builds=2",
                    ])
                let user = try await ServerClient.register(at: core.url)
                for function in SoakCaller.functions {
                    let answer = try await user.deploy(
                        function.name, source: function.source,
                        settings: [#""access":"\#(function.access)""#, #""limits":{\#(function.limits)}"#])
                    #expect(answer.status == 200, "\(answer.text)")
                }
                // What is made with the first calls is there from then on.
                _ = try await load(core, user, seconds: Self.warmUpSeconds)
                let before = try await atRest(core, user, within: nil)
                let calls = try await load(core, user, seconds: seconds)
                let after = try await atRest(core, user, within: before)
                print("soak calls=\(calls) before=\(before) after=\(after)")
                #expect(calls.values.allSatisfy { $0 > 0 }, "one kind was never called: \(calls)")
                #expect(after.memory < before.memory + Self.growthBytes, "\(before.memory) to \(after.memory)")
                try await everyPlaceIsFree(core)
                // Two of an owner's uploads at a time: those that were broken off have given theirs back.
                async let one = user.deploy("one", source: ServerClient.hello)
                async let two = user.deploy("two", source: ServerClient.hello)
                #expect(try await [one.status, two.status] == [200, 200])
                #expect(await core.end(with: SIGTERM) == 0)
            }
        }

        /// - Returns: how many calls of each kind there were.
        private func load(
            _ core: CoreProcess, _ user: ServerClient, seconds: Int
        ) async throws -> [SoakCaller.Kind: Int] {
            let end = ContinuousClock.now + .seconds(seconds)
            return try await withThrowingTaskGroup(of: [SoakCaller.Kind: Int].self) { group in
                for number in 0..<Self.clients {
                    group.addTask {
                        var caller = SoakCaller(core: core, user: user, number: number)
                        while ContinuousClock.now < end { try await caller.call() }
                        return caller.calls
                    }
                }
                return try await group.reduce(into: [:]) { $0.merge($1) { $0 + $1 } }
            }
        }

        /// What it holds when nothing is under way any more: no request, and no connection but those that stay.
        private func atRest(
            _ core: CoreProcess, _ user: ServerClient, within before: CoreProcess.Holdings?
        ) async throws -> CoreProcess.Holdings {
            try await eventually("no request is counted", within: .seconds(60)) {
                let answer = try await user.call("GET", "/api/v1/status")
                let status = try JSONDecoder().decode(Status.self, from: Data(answer.body))
                return status.functions.count == SoakCaller.functions.count
                    && status.functions.allSatisfy { $0.requests == 0 && $0.instances == 1 }
            }
            var (held, since) = (core.holdings, ContinuousClock.now)
            try await eventually("no descriptor is left over", within: .seconds(60)) {
                let now = core.holdings
                if now.descriptors != held.descriptors { since = .now }
                held = now
                if let before { return now.descriptors <= before.descriptors }
                // Idle connections to instances are kept for less than that.
                return ContinuousClock.now - since > .seconds(6)
            }
            return held
        }

        private struct Status: Decodable {
            struct Function: Decodable {
                let requests: Int
                let instances: Int
            }

            let functions: [Function]
        }

        /// As many connections as one address may have are served at once: none is still counted for somebody who has gone.
        private func everyPlaceIsFree(_ core: CoreProcess) async throws {
            var open: [ByteConnection] = []
            // The tests' own client keeps some.
            for _ in 0..<Self.connections - 16 { open.append(try await ByteConnection.connect(port: core.port)) }
            for _ in 0..<2 {
                for connection in open {
                    try await connection.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    #expect(try await connection.text(through: "\"ok\"}") != nil)
                }
            }
        }
    }
#endif
