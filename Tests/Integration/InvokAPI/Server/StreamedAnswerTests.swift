import HTTPTypes
import InvokSim
import NIOCore
import TestSupport
import Testing

@testable import InvokAPI

/// Answers that are made while they are sent, such as server-sent events: nothing of them waits for more.
@Suite(.timeLimit(.minutes(1)))
struct StreamedAnswerTests {
    private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    private static let event = "data: x\n\n"
    private static let chunk = "9\r\n\(event)\r\n"

    /// Each event is made once the one before has been seen, so that one that waited for the next would never come.
    @Test(arguments: CallWay.allCases)
    func eachPartComesAtOnce(way: CallWay) async throws {
        let count = 200
        let made = AsyncStream<ContinuousClock.Instant>.makeStream()
        let seen = AsyncStream<Void>.makeStream()
        try await SocketFunction.run(way) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            var seen = seen.stream.makeAsyncIterator()
            for part in [Self.head] + Array(repeating: Self.chunk, count: count) {
                made.continuation.yield(.now)
                try await connection.write(part)
                await seen.next()
            }
            try await connection.write("0\r\n\r\n")
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send("GET \(function.path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                var (made, fastest) = (made.stream.makeAsyncIterator(), Duration.seconds(60))
                for part in 0...count {
                    _ = try #require(try await client.text(through: part == 0 ? "\r\n\r\n" : Self.chunk))
                    fastest = min(fastest, try #require(await made.next()).duration(to: .now))
                    seen.continuation.yield()
                }
                #expect(try await client.text(through: "0\r\n\r\n") != nil)
                // The machine may be busy. What collects parts waits for a timer each time, which is longer.
                #expect(fastest < .milliseconds(20))
            }
        }
    }

    /// Of all times only those of the function's limits end a silent stream.
    @Test(arguments: CallWay.allCases)
    func aLongSilenceEndsNothing(way: CallWay) async throws {
        let short = ServerConfiguration(
            port: 0, headTimeout: .milliseconds(200), bodyTimeout: .milliseconds(200), bodyTime: .milliseconds(200),
            answerTimeout: .milliseconds(200), firstByteTimeout: .milliseconds(200))
        let goesOn = Gate()
        try await SocketFunction.run(way, configuration: short, limits: TestServer.noRate + #","pauseSeconds":900"#) {
            connection in
            _ = try await connection.text(through: "\r\n\r\n")
            try await connection.write(Self.head + Self.chunk)
            await goesOn.pass()
            try await connection.write(Self.chunk + "0\r\n\r\n")
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send("GET \(function.path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = try #require(try await client.text(through: Self.chunk))
                await goesOn.reached()
                // Twice each of the server's times, by connections that have nothing but those, and ten virtual minutes.
                for _ in 0..<2 { try await WireClient.with(port: function.server.port) { try await $0.closed() } }
                function.server.sim.clock.advance(by: .seconds(600))
                goesOn.open()
                #expect(try await client.text(through: "0\r\n\r\n") == Self.chunk + "0\r\n\r\n")
            }
        }
    }
}
