import HTTPTypes
import Invok
import InvokProxy
import InvokSim
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import InvokAPI

/// Functions over real connections on both sides: the simulated world runs them, a unix socket answers for them.
@Suite(.timeLimit(.minutes(1)))
struct InvokeHandlerTests {
    @Test func whatAFunctionSeesAndSays() async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            try await server.deploy("echo", token: user.token)
            let answer = try await server.call(
                .post, "/invok/\(user.user.uuid)/hello/a%20b?q=1&q=2", token: user.token,
                fields: [
                    ("X-Invok-Evil", "1"), ("X-Private", "1"), ("Connection", "X-Private, X-Forwarded-For"),
                    ("X-Forwarded-For", "10.0.0.1"), ("Accept", "a"), ("X-Request-Id", "r-1"),
                ], body: "\u{0}\u{FF}binary")
            #expect(answer.status == 200 && answer.body == "\u{0}\u{FF}binary")
            let fields = answer.fields
            #expect(fields["x-echo-path"] == "/hello/a%20b?q=1&q=2" && fields["x-echo-method"] == "POST")
            #expect(fields["x-echo-authorization"] == nil && fields["x-echo-x-invok-evil"] == nil)
            #expect(fields["x-echo-x-private"] == nil && fields["x-echo-connection"] == nil)
            #expect(fields["x-echo-x-invok-request-id"] == "r-1" && fields["x-request-id"] == "r-1")
            #expect(fields["x-echo-x-forwarded-for"] == "127.0.0.1")
            #expect(fields["x-echo-x-forwarded-host"] == "localhost" && fields["x-echo-accept"] == "a")
        }
    }

    @Test func aFunctionThatDiesIs502AndOneThatIsNotThereIs401() async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            try await server.deploy("exit-on-request", token: user.token)
            let answer = try await server.call(.get, "/invok/\(user.user.uuid)/hello")
            #expect(answer.status == 502 && answer.problem?.code == "function_failed")
            #expect(answer.problem?.requestID == answer.fields["x-request-id"])
            #expect(try await server.call(.get, "/invok/\(user.user.uuid)/other").status == 401)
            #expect(try await server.call(.get, "/invok/nobody/NOT%20A%20NAME").status == 401)
        }
    }

    @Test func headOfAFunctionLeavesTheConnectionClean() async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            // An answer without a length, and one with.
            for directive in ["huge 100000", "hello x"] {
                try await server.deploy(directive, token: user.token)
                try await WireClient.with(port: server.port) { client in
                    for _ in 0..<2 {
                        try await client.send(.head, "/invok/\(user.user.uuid)/hello")
                        #expect(try await client.answer(to: .head)?.status == 200)
                        try await client.send(.get, "/healthz")
                        #expect(try await client.answer()?.body == #"{"status":"ok"}"#)
                    }
                }
            }
        }
    }

    // MARK: Over a unix socket

    private func withFunction(
        _ way: CallWay, _ script: @escaping @Sendable (ByteConnection) async throws -> Void,
        body: @escaping @Sendable (TestServer, String) async throws -> Void
    ) async throws {
        try await SocketFunction.run(way, script: script) { function in
            try await body(function.server, function.path)
            if way == .direct { #expect(function.sentByTasks == 0) }
        }
    }

    @Test(arguments: CallWay.allCases)
    func earlyAnswersUnderLoadLoseNothing(way: CallWay) async throws {
        // Answers once it has seen the head, and takes the body or not, as the path says.
        try await withFunction(way) { connection in
            while let head = try await connection.text(through: "\r\n\r\n") {
                if head.contains("POST /hello/whole") {
                    let length = Int(head.firstMatch(of: /content-length: ([0-9]+)/.ignoresCase())?.output.1 ?? "") ?? 0
                    try await connection.skip(length)
                }
                let closes = head.contains("POST /hello/close")
                // A close that is not announced could meet the next request, and a POST is not tried twice.
                let field = closes ? "Connection: close\r\n" : ""
                try await connection.write("HTTP/1.1 200 OK\r\n\(field)Content-Length: 2\r\n\r\nok")
                if closes { return }
            }
        } body: { server, path in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        try await WireClient.with(port: server.port) { client in
                            for round in 0..<40 {
                                let kind = ["early", "whole", "close"][(worker + round) % 3]
                                let size = [10, 5_000, 300_000][(worker + 2 * round) % 3]
                                try await client.send(
                                    .post, "\(path)/\(kind)", body: String(repeating: "a", count: size))
                                let answer = try await client.answer()
                                #expect(answer?.status == 200 && answer?.body == "ok", "\(kind) \(size)")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test(arguments: CallWay.allCases)
    func anAnswerThatBreaksOffIsCutOff(way: CallWay) async throws {
        try await withFunction(way) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            try await connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        } body: { server, path in
            try await WireClient.with(port: server.port) { client in
                try await client.send(.get, path)
                let head = try #require(try await client.text(through: "\r\n\r\n"))
                #expect(head.hasPrefix("HTTP/1.1 200"))
                // The connection ends without the last chunk.
                let end = try? await client.text(through: "0\r\n\r\n")
                #expect(end == nil)
            }
        }
    }

    @Test(arguments: CallWay.allCases)
    func bothDirectionsStream(way: CallWay) async throws {
        try await withFunction(way) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            try await connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while let line = try await connection.text(through: "!\r\n") {
                if line.hasPrefix("0\r\n") { break }
                try await connection.write("2\r\nok\r\n")
                if line.contains("last") { break }
            }
            _ = try await connection.text(through: "0\r\n\r\n")
            try await connection.write("0\r\nX-Trailer: t\r\n\r\n")
            _ = try await connection.text(through: "\r\n\r\n")
        } body: { server, path in
            try await WireClient.with(port: server.port) { client in
                try await client.send(
                    "POST \(path) HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n")
                _ = try #require(try await client.text(through: "\r\n\r\n"))
                for word in ["one!", "two!", "last!"] {
                    try await client.send("\(String(word.count, radix: 16))\r\n\(word)\r\n")
                    _ = try #require(try await client.text(through: "2\r\nok\r\n"))
                }
                try await client.send("0\r\n\r\n")
                let end = try #require(try await client.text(through: "\r\n\r\n"))
                #expect(end == "0\r\nx-trailer: t\r\n\r\n" || end == "0\r\nX-Trailer: t\r\n\r\n")
                // The connection goes on.
                try await client.send(.get, "/healthz")
                #expect(try await client.answer()?.status == 200)
            }
        }
    }

    @Test(arguments: CallWay.allCases)
    func trailersComeWhereAskedForOnly(way: CallWay) async throws {
        try await withFunction(way) { connection in
            while try await connection.text(through: "\r\n\r\n") != nil {
                try await connection.write(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nSet-Cookie: a=b\r\nX-T: t\r\n\r\n"
                )
            }
        } body: { server, path in
            try await WireClient.with(port: server.port) { client in
                for (field, trailer) in [("", "\r\n"), ("TE: trailers\r\n", "x-t: t\r\n")] {
                    try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\(field)\r\n")
                    _ = try #require(try await client.text(through: "2\r\nok\r\n0\r\n"))
                    #expect(try await client.text(through: "\r\n")?.lowercased() == trailer)
                    if !field.isEmpty { _ = try await client.text(through: "\r\n") }
                }
            }
        }
    }

    @Test(arguments: CallWay.allCases)
    func noLengthIsForwardedThatTheBodyDoesNotHave(way: CallWay) async throws {
        let seen = Seen()
        try await withFunction(way) { connection in
            while let head = try await connection.text(through: "\r\n\r\n") {
                seen.add(head.lowercased())
                try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        } body: { server, path in
            try await WireClient.with(port: server.port) { client in
                for length in ["000", "0"] {
                    try await client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n")
                    #expect(try await client.answer()?.status == 200)
                    #expect(seen.last?.contains("content-length: 0\r\n") == true)
                }
                try await client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775808\r\n\r\n")
                #expect(try await client.answer()?.status == 400)
                #expect(try await client.answer() == nil)
            }
            // The function has heard nothing of it.
            #expect(try await server.call(.get, path + "/next").status == 200)
            #expect(seen.last?.hasPrefix("get /hello/next") == true && seen.count == 3)
        }
    }

    @Test(
        arguments: CallWay.allCases,
        [
            "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "Transfer-Encoding: identity\r\n\r\nok",
            "Transfer-Encoding: gzip\r\n\r\nok", "Content-Length: 9223372036854775808\r\n\r\nok",
        ])
    func anAnswerWhoseFramingIsInDoubtIs502(way: CallWay, rest: String) async throws {
        try await withFunction(way) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            try await connection.write("HTTP/1.1 200 OK\r\n" + rest)
        } body: { server, path in
            let answer = try await server.call(.get, path)
            #expect(answer.status == 502)
        }
    }

    @Test(arguments: CallWay.allCases)
    func aClientThatGoesAwayEndsTheExchange(way: CallWay) async throws {
        let ended = AsyncStream<Void>.makeStream()
        try await withFunction(way) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            try await connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            do {
                // Ends when the transport closes.
                while true { try await connection.write("1000\r\n\(String(repeating: "a", count: 4096))\r\n") }
            } catch {
                ended.continuation.yield()
                throw error
            }
        } body: { server, path in
            try await WireClient.with(port: server.port) { client in
                try await client.send(.get, path)
                _ = try #require(try await client.text(through: "aaaa"))
            }
            for await _ in ended.stream { break }
        }
    }

    @Test(arguments: CallWay.allCases, [nil, "a body"])
    func aClientThatGoesWhileNothingIsSaidEndsTheExchange(way: CallWay, body: String?) async throws {
        let (asked, ended) = (AsyncStream<Void>.makeStream(), AsyncStream<Void>.makeStream())
        try await withFunction(way) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            if let body { try await connection.skip(body.count) }
            asked.continuation.yield()
            // Nothing more comes before the connection ends.
            #expect(try await connection.text(through: "never") == nil)
            ended.continuation.yield()
        } body: { server, path in
            try await WireClient.with(port: server.port) { client in
                try await client.send(.post, path, body: body)
                for await _ in asked.stream { break }
            }
            for await _ in ended.stream { break }
        }
    }

    @Test(arguments: CallWay.allCases)
    func aClientThatGoesWhileAnAnswerPausesEndsTheExchange(way: CallWay) async throws {
        let ended = AsyncStream<Void>.makeStream()
        try await withFunction(way) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            try await connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\naaaa\r\n")
            // Nothing more comes before the connection ends.
            #expect(try await connection.text(through: "never") == nil)
            ended.continuation.yield()
        } body: { server, path in
            try await WireClient.with(port: server.port) { client in
                try await client.send(.get, path)
                _ = try #require(try await client.text(through: "aaaa\r\n"))
            }
            for await _ in ended.stream { break }
        }
    }

    @Test(arguments: CallWay.allCases)
    func aClientThatEndsItsSendingWhileAnAnswerPausesGetsTheRest(way: CallWay) async throws {
        let closed = AsyncStream<Void>.makeStream()
        try await withFunction(way) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            try await connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
            for await _ in closed.stream { break }
            try await connection.write("3\r\nall\r\n0\r\n\r\n")
        } body: { server, path in
            try await WireClient.with(port: server.port) { client in
                try await client.send(.get, path)
                _ = try #require(try await client.text(through: "2\r\nok\r\n"))
                try await client.finish()
                // The zero by which the server finds out, before the size of the next chunk.
                #expect(try await client.text(through: "0") == "0")
                closed.continuation.yield()
                #expect(try await client.text(through: "\r\n\r\n") == "3\r\nall\r\n0\r\n\r\n")
                try await client.closed()
            }
        }
    }

    @Test(arguments: CallWay.allCases)
    func aClientThatOnlyEndsItsSendingIsAnswered(way: CallWay) async throws {
        let closed = AsyncStream<Void>.makeStream()
        try await withFunction(way) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            for await _ in closed.stream { break }
            try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        } body: { server, path in
            try await WireClient.with(port: server.port) { client in
                try await client.send(.get, path)
                try await client.finish()
                // The interim answer by which the server finds out.
                #expect(try await client.answer()?.status == 100)
                closed.continuation.yield()
                #expect(try await client.answer()?.body == "ok")
                try await client.closed()
            }
        }
    }
}

/// The heads that a function has seen.
private final class Seen: Sendable {
    private let heads = Mutex<[String]>([])

    var last: String? { heads.withLock { $0.last } }
    var count: Int { heads.withLock { $0.count } }

    func add(_ head: String) { heads.withLock { $0.append(head) } }
}
