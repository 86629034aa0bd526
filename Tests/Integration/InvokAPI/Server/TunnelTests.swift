import HTTPTypes
import Invok
import InvokSim
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import InvokAPI

/// Upgrades through the server, to a function that a script answers for.
@Suite(.timeLimit(.minutes(1)))
struct TunnelTests {
    private static let accepted =
        "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: x\r\nSec-WebSocket-Accept: y\r\nServer: other\r\n\r\n"

    private static func request(_ function: SocketFunction, upgrade: String = "x, y/2", fields: String = "") -> String {
        "GET \(function.path)/a?b HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\n"
            + "Upgrade: \(upgrade)\r\nSec-WebSocket-Key: k\r\n\(fields)\r\n"
    }

    /// Sends back four bytes at a time.
    private static func echo(_ connection: ByteConnection) async throws {
        while let bytes = try await connection.bytes(4) { try await connection.write(bytes) }
    }

    /// A function that takes each upgrade and goes on by the script, and answers other requests by `ok`.
    private func run(
        _ way: CallWay, access: String = "public", limits: String = TestServer.noRate,
        configuration: ServerConfiguration = ServerConfiguration(port: 0),
        script: @escaping @Sendable (ByteConnection) async throws -> Void,
        body: @escaping @Sendable (SocketFunction) async throws -> Void
    ) async throws {
        try await SocketFunction.run(way, configuration: configuration, access: access, limits: limits) { connection in
            while let head = try await connection.text(through: "\r\n\r\n") {
                guard !head.lowercased().contains("upgrade: ") else {
                    try await connection.write(Self.accepted)
                    return try await script(connection)
                }
                try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        } body: { function in
            try await body(function)
            // Only what is not warm needs a task.
            if way == .direct { #expect(function.sentByTasks == 0) }
        }
    }

    /// Opens a tunnel.
    private func open(_ client: WireClient, _ function: SocketFunction) async throws {
        try await client.send(Self.request(function))
        #expect(try await client.answer()?.status == 101)
    }

    // MARK: Heads

    @Test(arguments: CallWay.allCases)
    func headsAndBytesPassBothWays(way: CallWay) async throws {
        let heard = Mutex("")
        try await SocketFunction.run(way) { connection in
            guard let head = try await connection.text(through: "\r\n\r\n") else { return }
            heard.withLock { $0 = head }
            // What belongs to the tunnel may come with the head, on either side.
            try await connection.write(Self.accepted + "early")
            try await Self.echo(connection)
            try await connection.write("bye")
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send(Self.request(function) + "ping")
                let answer = try #require(try await client.answer())
                #expect(answer.status == 101 && answer.fields["connection"] == "upgrade")
                #expect(answer.fields["upgrade"] == "x" && answer.fields["sec-websocket-accept"] == "y")
                #expect(answer.fields["server"] == "invok" && answer.fields["x-request-id"] != nil)
                #expect(answer.fields["content-length"] == nil && answer.fields["transfer-encoding"] == nil)
                #expect(try await client.text(through: "earlyping") == "earlyping")
                try await client.send("GET / HTTP/1.1\r\n\r\n  ")
                #expect(try await client.text(through: "\r\n\r\n  ") == "GET / HTTP/1.1\r\n\r\n  ")
                try await client.finish()
                #expect(try await client.rest() == "bye")
            }
        }
        let lines = heard.withLock { $0.lowercased().split(separator: "\r\n") }
        #expect(lines.first == "get /hello/a?b http/1.1")
        #expect(lines.contains("connection: upgrade") && lines.contains("upgrade: x, y/2"))
        #expect(lines.contains("sec-websocket-key: k"))
    }

    @Test(
        arguments: CallWay.allCases,
        ["", "Upgrade: other\r\nConnection: upgrade\r\n", "Upgrade: h2c\r\nConnection: upgrade\r\n"])
    func anUpgradeThatWasNotOfferedIs502(way: CallWay, fields: String) async throws {
        try await SocketFunction.run(way) { connection in
            while try await connection.text(through: "\r\n\r\n") != nil { try await connection.write(Self.accepted) }
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send("GET \(function.path) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n")
                let answer = try await client.answer()
                #expect(answer?.status == 502 && answer?.problem?.code == "function_failed")
            }
        }
    }

    /// Another HTTP, a request with a body, a version that knows no upgrades.
    @Test(
        arguments: CallWay.allCases,
        [
            "GET PATH HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: a\r\n\r\n",
            "GET PATH HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: x, h2c\r\n\r\n",
            "GET PATH HTTP/1.1\r\nHost: localhost\r\nUpgrade: x\r\n\r\n",
            "POST PATH HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Length: 1\r\n\r\na",
            "GET PATH HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
        ])
    func whatMayNotBeOfferedIsAnOrdinaryRequest(way: CallWay, request: String) async throws {
        let heard = Mutex("")
        try await SocketFunction.run(way) { connection in
            while let head = try await connection.text(through: "\r\n\r\n") {
                heard.withLock { $0 = head.lowercased() }
                if head.contains("content-length: 1") { try await connection.skip(1) }
                try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send(request.replacing("PATH", with: function.path))
                let answer = try await client.answer()
                #expect(answer?.status == 200 && answer?.body == "ok")
                #expect(try await client.rest() == "")
            }
        }
        let head = heard.withLock { $0 }
        #expect(!head.contains("upgrade") && !head.contains("http2-settings"), "\(head)")
    }

    @Test(arguments: CallWay.allCases)
    func aFunctionMayAnswerOtherwise(way: CallWay) async throws {
        try await SocketFunction.run(way) { connection in
            while try await connection.text(through: "\r\n\r\n") != nil {
                try await connection.write(
                    "HTTP/1.1 426 Upgrade Required\r\nUpgrade: z\r\nConnection: upgrade\r\nContent-Length: 2\r\n\r\nno")
            }
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send(Self.request(function) + Self.request(function) + "more")
                let answer = try #require(try await client.answer())
                #expect(answer.status == 426 && answer.body == "no" && answer.fields["connection"] == "close")
                #expect(try await client.rest() == "", "what was sent ahead is nobody's")
            }
            #expect(function.connections == (1, 1), "nothing of it has reached the function's connection")
        }
    }

    @Test(arguments: CallWay.allCases)
    func aPrivateFunctionTakesNoneFromStrangers(way: CallWay) async throws {
        try await run(way, access: "private", script: Self.echo) { function in
            try await WireClient.with(port: function.server.port) { client in
                let field = "Authorization: Bearer \(function.token)\r\n"
                try await client.send(Self.request(function, fields: field) + "ping")
                #expect(try await client.answer()?.status == 101)
                #expect(try await client.text(through: "ping") != nil)
            }
        }
        try await SocketFunction.run(way, access: "private", script: Self.echo) { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send(Self.request(function))
                #expect(try await client.answer()?.status == 401)
            }
        }
    }

    // MARK: Ends

    @Test(arguments: CallWay.allCases)
    func theFunctionMayEndItsSendingFirst(way: CallWay) async throws {
        let heard = AsyncStream<String?>.makeStream()
        try await run(way) { connection in
            try await connection.write("last")
            try await connection.finish()
            heard.continuation.yield(try await connection.text(through: "late"))
            heard.continuation.yield(String(decoding: try await connection.rest(), as: UTF8.self))
            heard.continuation.finish()
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await open(client, function)
                #expect(try await client.rest() == "last")
                try await client.send("late")
                for await text in heard.stream {
                    #expect(text == "late")
                    break
                }
            }
            for await text in heard.stream { #expect(text == "") }
        }
    }

    @Test(arguments: CallWay.allCases, [true, false])
    func aClientThatGoesEndsTheFunctionsSide(way: CallWay, isReset: Bool) async throws {
        let ended = AsyncStream<Void>.makeStream()
        try await run(way) { connection in
            try? await connection.closed()
            ended.continuation.yield()
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await open(client, function)
                if isReset { try await client.reset() }
            }
            for await _ in ended.stream { break }
        }
    }

    /// Of one that has not read all, which is a reset, the last bytes may be lost.
    @Test(arguments: CallWay.allCases, [true, false])
    func aFunctionThatGoesEndsTheClientsSide(way: CallWay, hasRead: Bool) async throws {
        try await run(way) { connection in
            if hasRead { _ = try await connection.bytes(4) }
            try await connection.write("last")
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send(Self.request(function) + "ping")
                #expect(try await client.answer()?.status == 101)
                if hasRead { #expect(try await client.text(through: "last") == "last") }
                try await client.closed()
            }
        }
    }

    // MARK: Backpressure

    private static let size = 64 << 20
    private static let piece = String(repeating: "x", count: 1 << 20)

    /// What it has come to once it does not go on any more: other calls are answered, and it stays as it is.
    private func settled(_ counter: Counter, _ function: SocketFunction) async throws -> Int {
        var (last, calls) = (-1, 0)
        while calls < 50 {
            _ = try await function.server.call(.get, "/healthz")
            calls = counter.value == last ? calls + 1 : 0
            last = counter.value
        }
        return last
    }

    @Test(arguments: CallWay.allCases)
    func aSlowFunctionHoldsTheClientBack(way: CallWay) async throws {
        let gate = Gate()
        try await run(way) { connection in
            await gate.pass()
            #expect(try await connection.skip(Self.size) == Self.size)
            try await connection.write("done")
        } body: { function in
            let sent = Counter()
            try await WireClient.with(port: function.server.port) { client in
                try await open(client, function)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        for _ in 0..<Self.size >> 20 {
                            try await client.send(Self.piece)
                            sent.increment()
                        }
                    }
                    await gate.reached()
                    #expect(try await settled(sent, function) < Self.size >> 20)
                    gate.open()
                    try await group.waitForAll()
                }
                #expect(try await client.text(through: "done") == "done")
            }
        }
    }

    @Test(arguments: CallWay.allCases)
    func aSlowClientHoldsTheFunctionBack(way: CallWay) async throws {
        let sent = Counter()
        try await run(way) { connection in
            for _ in 0..<Self.size >> 20 {
                try await connection.write(Self.piece)
                sent.increment()
            }
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await open(client, function)
                #expect(try await settled(sent, function) < Self.size >> 20)
                #expect(try await client.skip(Self.size) == Self.size)
                #expect(try await client.rest() == "")
            }
        }
    }

    /// What a client sends last and at once is not lost, though the function is slow to take it.
    @Test(arguments: CallWay.allCases)
    func whatWasSentBeforeTheEndArrives(way: CallWay) async throws {
        let (gate, taken) = (Gate(), AsyncStream<Int>.makeStream())
        try await run(way) { connection in
            await gate.pass()
            taken.continuation.yield(try await connection.rest().count)
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await open(client, function)
                await gate.reached()
                try await client.send(Self.piece)
                try await client.finish()
                gate.open()
                for await count in taken.stream {
                    #expect(count == Self.piece.utf8.count)
                    break
                }
                #expect(try await client.rest() == "")
            }
        }
    }

    // MARK: Limits

    /// Has virtual time pass, which is a task's, until the connection ends.
    private func end(_ client: WireClient, _ way: CallWay, _ function: SocketFunction) async throws {
        guard way == .task else { return try await client.closed() }
        let hasEnded = Flag()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await client.closed()
                hasEnded.set()
            }
            try await eventually("the tunnel ends") {
                function.server.sim.clock.advance(by: .seconds(1))
                return hasEnded.isSet
            }
            try await group.waitForAll()
        }
    }

    @Test(arguments: CallWay.allCases, [#""pauseSeconds":1"#, #""streamSeconds":1,"pauseSeconds":900"#])
    func aTunnelHasItsTime(way: CallWay, limit: String) async throws {
        let ended = AsyncStream<Void>.makeStream()
        try await run(way, limits: TestServer.noRate + "," + limit) { connection in
            try? await connection.closed()
            ended.continuation.yield()
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await open(client, function)
                try await end(client, way, function)
            }
            for await _ in ended.stream { break }
            #expect(
                try await function.server.call(.get, function.path).body == "ok", "the instance is as good as before")
        }
    }

    @Test(arguments: CallWay.allCases)
    func bytesOfEitherSideEndAPause(way: CallWay) async throws {
        try await run(way, limits: TestServer.noRate + #","pauseSeconds":3"#, script: Self.echo) { function in
            try await WireClient.with(port: function.server.port) { client in
                try await open(client, function)
                let begun = ContinuousClock.now
                while way == .direct
                    ? ContinuousClock.now - begun < .seconds(4)
                    : function.server.sim.clock.now().nanoseconds < 20_000_000_000
                {
                    if way == .task { function.server.sim.clock.advance(by: .seconds(2)) }
                    try await client.send("ping")
                    #expect(try await client.text(through: "ping") == "ping")
                }
            }
        }
    }

    @Test(arguments: CallWay.allCases)
    func aTunnelTakesAPlaceUntilItEnds(way: CallWay) async throws {
        let limits = TestServer.noRate + #","concurrency":1,"maxInstances":1"#
        try await SocketFunction.run(way, limits: limits) { connection in
            while let head = try await connection.text(through: "\r\n\r\n") {
                guard !head.lowercased().contains("upgrade: ") else {
                    try await connection.write(Self.accepted)
                    return try await Self.echo(connection)
                }
                try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        } body: { function in
            let requests = { @Sendable (count: Int) async throws -> Bool in
                let status = try await function.server.call(.get, "/api/v1/status", token: function.token)
                return status.body.contains("\"requests\":\(count)")
            }
            try await WireClient.with(port: function.server.port) { client in
                try await open(client, function)
                #expect(try await requests(1))
            }
            try await eventually("its place is free again") { try await requests(0) }
            try await WireClient.with(port: function.server.port) { client in
                try await open(client, function)
                async let other = function.server.call(.get, function.path)
                try await eventually("the other request waits") { try await requests(2) }
                try await client.finish()
                #expect(try await other.body == "ok")
            }
        }
    }

    /// The first request of a function that does not run yet may be an upgrade.
    @Test func aColdStartTakesOneToo() async throws {
        try await SocketFunction.run(.direct, limits: TestServer.noRate + #","idleSeconds":1"#) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            try await connection.write(Self.accepted)
            try await Self.echo(connection)
        } body: { function in
            try await eventually("the function does not run") {
                function.server.sim.clock.advance(by: .seconds(1))
                return function.server.sim.engine.running.isEmpty
            }
            try await WireClient.with(port: function.server.port) { client in
                try await client.send(Self.request(function) + "ping")
                #expect(try await client.answer()?.status == 101)
                #expect(try await client.text(through: "ping") == "ping")
            }
            #expect(function.sentByTasks == 1)
        }
    }
}
