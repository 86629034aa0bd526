import HTTPTypes
import Invok
import InvokProxy
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import InvokAPI

/// Calls of warm functions that are carried out on the client's event loop: they are answered as a task would answer them.
@Suite(.timeLimit(.minutes(1)))
struct DirectCallTests {
    // MARK: Alike

    static let requests: [(name: String, text: String)] = [
        ("a plain one", "GET PATH HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("a sub-path and a query", "GET PATH/a%20b/?q=1&q=/2 HTTP/1.1\r\nHost: localhost:3000\r\n\r\n"),
        ("a query at once", "GET PATH?q HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("one in absolute form", "GET http://localhost:3000PATH/x HTTP/1.1\r\nHost: other\r\n\r\n"),
        ("an old client", "GET PATH HTTP/1.0\r\n\r\n"),
        ("an old client that stays", "GET PATH HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
        ("a head", "HEAD PATH HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("an unknown method", "BREW PATH HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        ("a body", "POST PATH HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"),
        ("an empty body", "POST PATH HTTP/1.1\r\nHost: localhost\r\nContent-Length: 000\r\n\r\n"),
        (
            "chunks",
            "PUT PATH HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nX-T: t\r\n\r\n"
        ),
        (
            "an expectation",
            "POST PATH HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok"
        ),
        (
            "fields of the connection",
            "GET PATH HTTP/1.1\r\nHost: localhost\r\nConnection: X-One, X-Forwarded-For, close\r\nX-One: 1\r\nX-Two: 2\r\nKeep-Alive: 5\r\nTE: trailers\r\nUpgrade-Insecure-Requests: 1\r\nProxy-Authorization: x\r\n\r\n"
        ),
        (
            "fields that are not the client's to send",
            "GET PATH HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 1.1.1.1\r\nx-forwarded-else: 1\r\nForwarded: for=1\r\nX-Real-IP: 1.1.1.1\r\nX-Invok-Else: 1\r\nX-INVOK-Request-Id: 1\r\nx_forwarded_for: 1\r\n\r\n"
        ),
        (
            "fields that come twice",
            "GET PATH HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\nx-a: 2\r\nX-Empty:\r\nCookie: a=b\r\nCookie: c=d\r\n\r\n"
        ),
        ("a token that is nobody's", "GET PATH HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer abc\r\n\r\n"),
        ("the platform's token", "GET PATH HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer TOKEN\r\n\r\n"),
        (
            "the platform's token apart",
            "GET PATH HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic abc\r\nX-Invok-Token: TOKEN\r\n\r\n"
        ),
        (
            "both",
            "GET PATH HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer other\r\nAuthorization: Bearer TOKEN\r\n\r\n"
        ),
        ("a page", "GET PATH HTTP/1.1\r\nHost: localhost\r\nOrigin: https://page.example\r\n\r\n"),
        (
            "a preflight of a page",
            "OPTIONS PATH HTTP/1.1\r\nHost: localhost\r\nOrigin: https://page.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n"
        ),
        ("a script of a service worker", "GET PATH HTTP/1.1\r\nHost: localhost\r\nService-Worker: script\r\n\r\n"),
        ("another function", "GET PATH-2 HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ]

    static let answers: [(name: String, text: String)] = [
        ("a plain one", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"),
        (
            "chunks and trailers",
            "HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: t\r\nSet-Cookie: a=b\r\n\r\n"
        ),
        ("no body", "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"),
        ("not modified", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 10\r\n\r\n"),
        ("an unknown status", "HTTP/1.1 599\r\nContent-Length: 0\r\n\r\n"),
        (
            "interim ones before it",
            "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
        ),
        (
            "what is not the function's to say",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nServer: other\r\nDate: never\r\nStrict-Transport-Security: x\r\nX-Invok-A: b\r\nX-Request-Id: mine\r\nConnection: X-Hop, keep-alive\r\nX-Hop: 1\r\nX-Stays: 2\r\nKeep-Alive: 5\r\nUpgrade: x\r\n\r\n"
        ),
        (
            "cookies",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nSet-Cookie: a=b; Domain=x; Secure\r\nSet-Cookie: __Host-a=b; Path=/\r\nset-cookie: c=d; Path=/elsewhere\r\n\r\n"
        ),
    ]

    /// What one connection brings, and what the function saw, for one request and one answer.
    private struct Seen: Hashable {
        var answer: [String]
        var heard: [String]
    }

    private func see(_ way: CallWay, _ request: String, _ answer: String, isPrivate: Bool) async throws -> Seen {
        let heard = Mutex<[String]>([])
        let seen = Mutex<Seen?>(nil)
        try await SocketFunction.run(way, access: isPrivate ? "private" : "public") { connection in
            while let head = try await connection.text(through: "\r\n\r\n") {
                heard.withLock { $0 = head.split(separator: "\r\n").map(String.init) }
                let length = Int(head.firstMatch(of: /content-length: ([0-9]+)/.ignoresCase())?.output.1 ?? "") ?? 0
                try await connection.skip(length)
                if head.contains("chunked") { _ = try await connection.text(through: "0\r\n\r\n") }
                try await connection.write(answer)
            }
        } body: { function in
            let text = request.replacing("PATH", with: function.path).replacing("TOKEN", with: function.token)
                .replacing("\r\n\r\n", with: "\r\nX-Request-Id: r-1\r\nAccept: a\r\n\r\n", maxReplacements: 1)
            try await WireClient.with(port: function.server.port) { client in
                // The second time it is remembered what was found out the first time.
                for _ in 0..<2 {
                    try await client.send(text)
                    var method = HTTPRequest.Method.get
                    if text.hasPrefix("HEAD") { method = .head }
                    var found = try #require(try await client.answer(to: method))
                    while found.status < 200 { found = try #require(try await client.answer(to: method)) }
                    var lines = found.fields.filter { $0.key != "date" }.map { "\($0.key): \($0.value)" }.sorted()
                    lines += ["\(found.status)", found.body]
                    seen.withLock { $0 = Seen(answer: lines, heard: []) }
                    if found.fields["connection"] == "close" || text.contains("HTTP/1.0") { break }
                }
            }
            let owner = function.path.split(separator: "/")[1]
            // The order of fields of different names says nothing.
            let lines = heard.withLock { $0.prefix(1) + $0.dropFirst().map { $0.lowercased() }.sorted() }
            seen.withLock { seen in
                let answer = (seen?.answer ?? []).map { $0.replacing(owner, with: "OWNER") }
                seen = Seen(answer: answer, heard: lines.map { $0.replacing(owner, with: "OWNER") })
            }
        }
        return try #require(seen.withLock { $0 })
    }

    /// An old client gets no chunks: only the end of the connection tells it where the answer ends, so one that breaks off
    /// must not end so.
    @Test(arguments: CallWay.allCases) func anOldClientTakesNoPartForTheWhole(way: CallWay) async throws {
        try await SocketFunction.run(way) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            try await connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send("GET \(function.path) HTTP/1.0\r\n\r\n")
                _ = try await client.text(through: "\r\n\r\n")
                await #expect(throws: IOError.self) { _ = try await client.rest() }
            }
        }
    }

    @Test(arguments: requests.indices, [false, true])
    func eachRequestIsSeenAndAnsweredAlike(index: Int, isPrivate: Bool) async throws {
        let (name, request) = Self.requests[index]
        let direct = try await see(.direct, request, Self.answers[0].text, isPrivate: isPrivate)
        let byTask = try await see(.task, request, Self.answers[0].text, isPrivate: isPrivate)
        #expect(direct == byTask, "\(name)")
    }

    @Test(arguments: answers.indices, ["GET", "HEAD"])
    func eachAnswerIsPassedOnAlike(index: Int, method: String) async throws {
        let (name, answer) = Self.answers[index]
        // After an answer to HEAD nothing else comes on the connection.
        let text =
            method == "HEAD" ? answer.replacing(/\r\n\r\n(2|ok|x).*/.dotMatchesNewlines(), with: "\r\n\r\n") : answer
        let request = "\(method) PATH HTTP/1.1\r\nHost: localhost\r\nTE: trailers\r\n\r\n"
        let direct = try await see(.direct, request, text, isPrivate: false)
        let byTask = try await see(.task, request, text, isPrivate: false)
        #expect(direct == byTask, "\(name)")
    }

    // MARK: Without a task

    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    private static func answering(_ answer: String = ok) -> @Sendable (ByteConnection) async throws -> Void {
        { connection in
            while try await connection.text(through: "\r\n\r\n") != nil { try await connection.write(answer) }
        }
    }

    @Test func pipelinedCallsTakeOneConnectionAndNoTask() async throws {
        try await SocketFunction.run(.direct, script: Self.answering()) { function in
            try await WireClient.with(port: function.server.port) { client in
                let request = "GET \(function.path) HTTP/1.1\r\nHost: localhost\r\n\r\n"
                try await client.send(String(repeating: request, count: 50))
                for _ in 0..<50 { #expect(try await client.answer()?.body == "ok") }
            }
            #expect(function.sentByTasks == 0 && function.connections == (1, 1))
        }
    }

    @Test func whoseTokenIsKnownNeedsNoTask() async throws {
        try await SocketFunction.run(.direct, access: "private", script: Self.answering()) { function in
            for _ in 0..<3 {
                #expect(try await function.server.call(.get, function.path, token: function.token).status == 200)
            }
            #expect(function.sentByTasks == 0, "the deploy has shown the token")
            #expect(try await function.server.call(.get, function.path).status == 401)
            let stranger = try await function.server.register("b@example.com")
            #expect(try await function.server.call(.get, function.path, token: stranger.token).status == 404)
        }
    }

    @Test func theRateOfOneCallerHolds() async throws {
        try await SocketFunction.run(.direct, limits: #""ratePerCaller":1"#, script: Self.answering()) { function in
            var statuses: [Int] = []
            for _ in 0..<4 { statuses.append(try await function.server.call(.get, function.path).status) }
            #expect(statuses.prefix(2) == [200, 200] && statuses.contains(429))
        }
    }

    // MARK: What goes wrong

    @Test(arguments: CallWay.allCases)
    func aConnectionThatWasClosedMeanwhileIsNotFelt(way: CallWay) async throws {
        // Each connection takes two requests, and closes at the second without an answer.
        try await SocketFunction.run(way) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            try await connection.write(Self.ok)
            _ = try await connection.text(through: "\r\n\r\n")
        } body: { function in
            for _ in 0..<4 {
                #expect(try await function.server.call(.get, function.path).body == "ok")
            }
            // What may have been done must not be done twice.
            let second = try await function.server.call(.post, function.path, body: "x")
            #expect([200, 502].contains(second.status))
        }
    }

    @Test(arguments: CallWay.allCases)
    func whoDoesNotAnswerInTimeIsToldOfAndReplaced(way: CallWay) async throws {
        let ended = AsyncStream<Void>.makeStream()
        try await SocketFunction.run(way, limits: #""ratePerCaller":0,"timeoutSeconds":1"#) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            #expect(try await connection.text(through: "never") == nil)
            ended.continuation.yield()
        } body: { function in
            // A task's time is the simulation's, which stands still here.
            guard way == .direct else { return }
            let answer = try await function.server.call(.get, function.path)
            #expect(answer.status == 504 && answer.problem?.code == "function_timeout")
            #expect(answer.problem?.requestID == answer.fields["x-request-id"])
            for await _ in ended.stream { break }
        }
    }

    @Test func anAnswerThatPausesIsCutOff() async throws {
        try await SocketFunction.run(.direct, limits: #""ratePerCaller":0,"pauseSeconds":1"#) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
            _ = try await connection.text(through: "never")
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send("GET \(function.path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = try #require(try await client.text(through: "\r\n\r\nhe"))
                let rest = try? await client.text(through: "llo")
                #expect(rest == nil)
            }
        }
    }

    @Test(arguments: CallWay.allCases)
    func aBodyThatIsNoneIs400(way: CallWay) async throws {
        try await SocketFunction.run(way, script: Self.answering()) { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send(
                    "POST \(function.path) HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n"
                )
                // The function may have answered before.
                let status = try await client.answer()?.status
                #expect(status == 400 || status == 200)
                #expect(try await client.answer() == nil)
            }
        }
    }

    /// A client that takes nothing holds the function back, and loses nothing.
    @Test(arguments: CallWay.allCases)
    func aSlowClientHoldsTheFunctionBack(way: CallWay) async throws {
        let size = 64 << 20
        let sent = Counter()
        try await SocketFunction.run(way) { connection in
            _ = try await connection.text(through: "\r\n\r\n")
            try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
            let chunk = String(repeating: "x", count: 1 << 20)
            for _ in 0..<size >> 20 {
                try await connection.write(chunk)
                sent.increment()
            }
        } body: { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send("GET \(function.path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _ = try #require(try await client.text(through: "\r\n\r\n"))
                #expect(sent.value < size >> 20, "it waits for the client")
                #expect(try await client.skip(size) == size)
            }
        }
    }
}

/// How often something has happened.
final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func increment() { count.add(1, ordering: .sequentiallyConsistent) }
}
