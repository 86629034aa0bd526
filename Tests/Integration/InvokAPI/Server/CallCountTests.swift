import HTTPTypes
import Invok
import InvokProxy
import TestSupport
import Testing

@testable import InvokAPI

/// Each call of a function is counted once, with what its client got, whichever way it took.
@Suite(.timeLimit(.minutes(1)))
struct CallCountTests {
    /// Answers each request on a connection by the same bytes, and then closes where they are not whole.
    private static func answering(
        _ answer: String, isWhole: Bool = true
    ) -> @Sendable (ByteConnection) async throws -> Void {
        { connection in
            while let head = try await connection.text(through: "\r\n\r\n") {
                let length = Int(head.firstMatch(of: /content-length: ([0-9]+)/.ignoresCase())?.output.1 ?? "") ?? 0
                try await connection.skip(length)
                try await connection.write(answer)
                if !isWhole { return try await connection.close() }
            }
        }
    }

    private func counts(_ function: SocketFunction) throws -> CallCounts {
        let words = function.path.split(separator: "/")
        let namespace = try #require(Namespace(words[1]))
        let name = try FunctionName(words[2])
        let ledger = function.server.system.calls.current
        return ledger.functions[FunctionKey(namespace: namespace, name: name)]?.calls ?? CallCounts()
    }

    @Test(arguments: CallWay.allCases) func aCallIsCountedWithItsStatusAndItsBytes(way: CallWay) async throws {
        try await SocketFunction.run(
            way, script: Self.answering("HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nno such")
        ) { function in
            let before = try counts(function)
            try await WireClient.with(port: function.server.port) { client in
                for _ in 0..<3 {
                    try await client.send(.post, function.path, body: "hello")
                    #expect(try await client.answer(to: .post)?.status == 404)
                }
            }
            try await eventually("the call is counted") { try counts(function).calls == before.calls + 3 }
            let found = try counts(function)
            #expect(found.statuses[4] == before.statuses[4] + 3)
            #expect(found.requestBytes == before.requestBytes + 15)
            #expect(found.answerBytes == before.answerBytes + 21)
            #expect(found.errors == before.errors)
        }
    }

    @Test(arguments: CallWay.allCases) func whatBreaksOffIsAnErrorOfItsStatus(way: CallWay) async throws {
        try await SocketFunction.run(
            way,
            script: Self.answering("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nno", isWhole: false)
        ) { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send(.get, function.path)
                _ = try await client.rest()
            }
            try await eventually("the call is counted") { try counts(function).calls == 1 }
            let found = try counts(function)
            #expect(found.statuses[2] == 1 && found.errors == 1)
            #expect(found.count(of: .functionFailed) == 1)
        }
    }

    @Test(arguments: CallWay.allCases) func whoGoesBeforeTheAnswerIsCountedWithoutAStatus(way: CallWay) async throws {
        let heard = AsyncStream<Void>.makeStream()
        try await SocketFunction.run(
            way,
            script: { connection in
                _ = try await connection.text(through: "\r\n\r\n")
                heard.continuation.yield()
                try await connection.closed()
            }
        ) { function in
            try await WireClient.with(port: function.server.port) { client in
                try await client.send(.get, function.path)
                for await _ in heard.stream { break }
                try await client.reset()
            }
            try await eventually("the call is counted") { try counts(function).calls == 1 }
            let found = try counts(function)
            #expect(found.statuses[0] == 1 && found.errors == 0)
            #expect(found.count(of: .clientGone) == 1)
        }
    }

    @Test func whoIsTurnedAwayIsNotCountedForTheFunction() async throws {
        try await SocketFunction.run(
            .direct, access: "private", script: Self.answering("HTTP/1.1 204 No Content\r\n\r\n")
        ) { (function: SocketFunction) async throws in
            #expect(try await function.server.call(.get, function.path).status == 401)
            #expect(try await function.server.call(.get, function.path + "-no", token: function.token).status == 404)
            #expect(try counts(function).calls == 0)
            #expect(function.server.system.calls.current.strays.statuses[4] == 2)
        }
    }
}
