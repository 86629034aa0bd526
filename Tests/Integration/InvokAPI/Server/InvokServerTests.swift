import HTTPTypes
import Invok
import InvokProxy
import InvokSim
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import TestSupport
import Testing

@testable import InvokAPI

/// What only shows on a connection.
@Suite(.timeLimit(.minutes(1)))
struct InvokServerTests {
    @Test func aPortInUseIsSaidSo() async throws {
        try await TestServer.run { server in
            await #expect {
                try await TestServer.run(ServerConfiguration(port: server.port)) { _ in }
            } throws: { error in
                (error as? ServerError)?.description.contains("is in use") == true
            }
        }
    }

    @Test func connectionsCarryManyRequests() async throws {
        try await TestServer.run { server in
            try await WireClient.with(port: server.port) { client in
                for _ in 0..<3 {
                    try await client.send(.post, "/auth/login", body: "{}")
                    #expect(try await client.answer()?.status == 400)
                }
                // Two at once.
                try await client.send(.get, "/healthz")
                try await client.send(.get, "/nothing")
                #expect(try await client.answer()?.status == 200)
                #expect(try await client.answer()?.status == 404)
            }
        }
    }

    @Test func clientsThatAreTooSlowAreClosed() async throws {
        let configuration = ServerConfiguration(
            port: 0, headTimeout: .milliseconds(100), bodyTimeout: .milliseconds(100))
        try await TestServer.run(configuration) { server in
            // Nothing at all, half a head, half a body, and an idle connection.
            for text in [
                "", "GET /healthz HTTP/1.1\r\nHos",
                "POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{",
                "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
            ] {
                try await WireClient.with(port: server.port) { client in
                    try await client.send(text)
                    try await client.closed()
                }
            }
        }
    }

    @Test func aBodyByTheByteIsTooSlowInAll() async throws {
        let configuration = ServerConfiguration(
            port: 0, bodyTimeout: .milliseconds(400), leastBodyRate: 1_000_000)
        try await TestServer.run(configuration) { server in
            try await WireClient.with(port: server.port) { client in
                try await client.send("POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n")
                // Each write would be in time by itself; they end when the server has closed.
                do {
                    while true {
                        try await client.send("a")
                        try await ContinuousClock().sleep(for: .milliseconds(20))
                    }
                } catch {}
                try? await client.closed()
            }
        }
    }

    @Test func theLongestIdleConnectionMakesRoomForANewOne() async throws {
        let configuration = ServerConfiguration(port: 0, connectionsPerAddress: 2)
        try await TestServer.run(configuration) { server in
            try await WireClient.with(port: server.port) { first in
                try await first.send(.get, "/healthz")
                #expect(try await first.answer()?.status == 200)
                try await WireClient.with(port: server.port) { second in
                    try await second.send(.get, "/healthz")
                    #expect(try await second.answer()?.status == 200)
                    #expect(try await server.call(.get, "/healthz").status == 200)
                    try await first.closed()
                    try await second.send(.get, "/healthz")
                    #expect(try await second.answer()?.status == 200)
                }
            }
        }
        // A trusted proxy stands for many.
        let proxied = ServerConfiguration(
            port: 0, trustedProxies: [AddressRange("127.0.0.1")].compactMap(\.self), connectionsPerAddress: 1)
        try await TestServer.run(proxied) { server in
            try await WireClient.with(port: server.port) { first in
                #expect(try await server.call(.get, "/healthz").status == 200)
                try await first.send(.get, "/healthz")
                #expect(try await first.answer()?.status == 200)
            }
        }
    }

    @Test func anAnswerThatNobodyTakesEnds() async throws {
        let configuration = ServerConfiguration(port: 0, answerTimeout: .milliseconds(400))
        try await TestServer.run(configuration) { server in
            let user = try await server.register()
            try await server.deploy("huge 50000000", token: user.token)
            try await WireClient.with(port: server.port) { client in
                try await client.send(.get, "/invok/\(user.user.uuid)/hello")
                // Nothing is read until the server has given up, which frees the function.
                try await eventually("the request ends") {
                    let status = try await server.call(.get, "/api/v1/status", token: user.token)
                    return status.body.contains(#""requests":0"#)
                }
                try await client.closed()
            }
        }
    }

    // MARK: Uploads

    @Test func anUploadThatIsTooLargeIsAnsweredBeforeItIsSent() async throws {
        let configuration = ServerConfiguration(port: 0, maximumUploadBytes: 1000, lingerBytes: 1 << 20)
        try await TestServer.run(configuration) { server in
            let token = try await server.register().token
            try await WireClient.with(port: server.port) { client in
                try await client.send(
                    "POST /invok/deploy HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
                        + "Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: 10000000\r\n\r\n")
                let answer = try #require(try await client.answer())
                #expect(answer.status == 413 && answer.problem?.code == "payload_too_large")
            }
            // The rest is read when it is little, so the connection goes on; else it is closed.
            for (length, goesOn) in [(500_000, true), (40_000_000, false)] {
                try await WireClient.with(port: server.port) { client in
                    try await client.send(
                        "POST /invok/deploy HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(token)\r\n"
                            + "Content-Type: multipart/form-data; boundary=XX\r\nContent-Length: \(length)\r\n\r\n")
                    #expect(try await client.answer()?.status == 413)
                    do {
                        for _ in 0..<(length / 100_000) {
                            try await client.send(String(repeating: "a", count: 100_000))
                        }
                        try await client.send(.get, "/healthz")
                        #expect(try await client.answer()?.status == (goesOn ? 200 : nil))
                    } catch {
                        #expect(!goesOn, "\(error)")
                    }
                }
            }
        }
    }

    /// Nothing of the body is sent, so an answer that came after reading it would never come.
    @Test func aStrangersBodyIsNotRead() async throws {
        try await TestServer.run { server in
            let owner = try await server.register("owner@example.com")
            let stranger = try await server.register("stranger@example.com")
            for (token, status) in [(stranger.token, 404), ("none", 401)] {
                try await WireClient.with(port: server.port) { client in
                    try await client.send(
                        "POST /invok/deploy?namespace=\(owner.user.uuid) HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n"
                            + "Authorization: Bearer \(token)\r\nContent-Type: multipart/form-data; boundary=XX\r\n\r\n"
                    )
                    #expect(try await client.answer()?.status == status)
                }
            }
        }
    }

    @Test func theFileItselfIsCapped() async throws {
        try await TestServer.run(ServerConfiguration(port: 0, maximumUploadBytes: 1000)) { server in
            let token = try await server.register().token
            let body = { (count: Int) in
                "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.zip\"\r\n\r\n"
                    + String(repeating: "a", count: count) + "\r\n--XX--\r\n"
            }
            for (count, code) in [(1000, "invalid_archive"), (1001, "payload_too_large")] {
                let answer = try await server.call(
                    .post, "/invok/deploy", token: token, fields: [TestServer.multipart], body: body(count))
                #expect(answer.problem?.code == code)
            }
            for (body, code) in [
                ("--XX--\r\n", "invalid_request"), ("--XX\r\n", "invalid_request"),
                (body(1).replacing("--XX--\r\n", with: "") + body(1), "invalid_request"),
            ] {
                let answer = try await server.call(
                    .post, "/invok/deploy", token: token, fields: [TestServer.multipart], body: body)
                #expect(answer.problem?.code == code)
            }
        }
    }

    @Test func aClientThatWaitsIsToldToGoOn() async throws {
        try await TestServer.run { server in
            try await WireClient.with(port: server.port) { client in
                let head = "POST /auth/login HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
                try await client.send(head + "\r\n")
                #expect(try await client.answer()?.status == 100)
                try await client.send("{}")
                #expect(try await client.answer()?.status == 400)
                // Not when the body is not wanted.
                try await client.send(head + "Content-Type: text/plain\r\n\r\n")
                #expect(try await client.answer()?.status == 415)
            }
        }
    }

    // MARK: Logs

    @Test func logsAreStreamedAndGoOnBehindTheLastEvent() async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            try await server.deploy("log said", token: user.token)
            let path = "/invok/\(user.user.uuid)/hello"
            _ = try await server.call(.get, path)
            let logs = "/invok/logs/\(user.user.uuid)/hello"
            let authorization = ("Authorization", "Bearer \(user.token)")
            let event = try await WireClient.with(port: server.port) { client in
                try await client.send(.get, logs, fields: [authorization])
                let head = try #require(try await client.text(through: "\r\n\r\n"))
                #expect(head.contains("text/event-stream"))
                _ = try #require(try await client.text(through: "id: "))
                var event = try #require(try await client.text(through: "\n\n"))
                while !event.contains("\"said\"") { event = try #require(try await client.text(through: "\n\n")) }
                // A new line comes by itself.
                _ = try await server.call(.get, path)
                _ = try #require(try await client.text(through: "\"said\""))
                // When nothing comes there are comments.
                let clock = Task {
                    while !Task.isCancelled {
                        await server.sim.clock.waitForSleepers()
                        server.sim.clock.advance(by: EventStream.check)
                        await Task.yield()
                    }
                }
                defer { clock.cancel() }
                _ = try #require(try await client.text(through: ": keep-alive\n\n"))
                return event
            }
            let cursor = try #require(event.firstMatch(of: /"cursor":([0-9]+)/)?.output.1)
            let rest = try await server.call(
                .get, logs + "?follow=false", token: user.token, fields: [("Last-Event-ID", String(cursor))])
            #expect(rest.body.contains("\"said\"") && !rest.body.contains("\"cursor\":\(cursor)}"))
            #expect(rest.body.ranges(of: "\"said\"").count == 1)
            for query in [
                "?since=yesterday", "?limit=-1", "?limit=x", "?follow=maybe", "?where=x", "?grep=(", "?grep=",
            ] {
                #expect(try await server.call(.get, logs + query, token: user.token).status == 400)
            }
        }
    }

    @Test func aUserHasAFewStreams() async throws {
        try await TestServer.run(ServerConfiguration(port: 0, streamsPerUser: 1)) { server in
            let (user, other) = (try await server.register(), try await server.register("b@example.com"))
            for user in [user, other] { try await server.deploy("hello", token: user.token) }
            let logs = "/invok/logs/\(user.user.uuid)/hello"
            let authorization = ("Authorization", "Bearer \(user.token)")
            try await WireClient.with(port: server.port) { client in
                try await client.send(.get, logs, fields: [authorization])
                _ = try #require(try await client.text(through: ": invok\n\n"))
                let refused = try await server.call(.get, logs, token: user.token)
                #expect(refused.status == 429 && refused.problem?.code == "too_many_requests")
                // Another's are not counted, nor is reading without following.
                #expect(try await server.call(.get, logs + "?follow=false", token: user.token).status == 200)
                try await WireClient.with(port: server.port) { second in
                    try await second.send(
                        .get, "/invok/logs/\(other.user.uuid)/hello",
                        fields: [("Authorization", "Bearer \(other.token)")])
                    _ = try #require(try await second.text(through: ": invok\n\n"))
                }
            }
            try await eventually("its place is free again") {
                try await WireClient.with(port: server.port) { client in
                    try await client.send(.get, logs, fields: [authorization])
                    return try await client.text(through: "\r\n\r\n")?.hasPrefix("HTTP/1.1 200") == true
                }
            }
        }
    }

    @Test func aStreamEndsWithTheRightToReadIt() async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            try await server.deploy("hello", token: user.token)
            try await WireClient.with(port: server.port) { client in
                try await client.send(
                    .get, "/invok/logs/\(user.user.uuid)/hello", fields: [("Authorization", "Bearer \(user.token)")])
                _ = try #require(try await client.text(through: ": invok\n\n"))
                let gone = try await server.call(
                    .delete, "/api/v1/functions/\(user.user.uuid)/hello", token: user.token)
                #expect(gone.status == 204)
                // Others sleep too, so time goes on as often as it takes.
                let clock = Task {
                    while !Task.isCancelled {
                        await server.sim.clock.waitForSleepers()
                        server.sim.clock.advance(by: EventStream.check)
                        await Task.yield()
                    }
                }
                defer { clock.cancel() }
                // Up to the last chunk.
                let rest = try #require(try await client.text(through: "0\r\n\r\n"))
                // It was over at the first look, before it would have said that it is there.
                #expect(rest.ranges(of: ": keep-alive").isEmpty)
            }
        }
    }

    @Test func openStreamsDoNotKeepTheServerFromStopping() async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            try await server.deploy("hello", token: user.token)
            let begun = AsyncStream<Void>.makeStream()
            let path = "/invok/logs/\(user.user.uuid)/hello"
            // Not awaited: the server is stopped at the end of this, with the client still there.
            Task {
                try await WireClient.with(port: server.port) { client in
                    try await client.send(.get, path, fields: [("Authorization", "Bearer \(user.token)")])
                    _ = try await client.text(through: "id: ")
                    begun.continuation.finish()
                    try await client.closed()
                }
            }
            for await _ in begun.stream {}
        }
    }
}
