import HTTPTypes
import Invok
import NIOCore
import Testing

@testable import InvokAPI

/// Requests as they should not be, and answers that not every client can read.
@Suite(.timeLimit(.minutes(1)))
struct ClientMessageTests {
    private static let start = "POST /invok/n/f HTTP/1.1\r\nHost: a\r\n"

    static let malformed = [
        "nonsense\r\n\r\n", "GET /healthz\r\n\r\n", "GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n",
        "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
        // Host
        "GET /healthz HTTP/1.1\r\n\r\n", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n", "GET http://a@b/healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        // Framing
        start + "Content-Length: x\r\n\r\n", start + "Content-Length: +2\r\n\r\n{}",
        start + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", start + "Content-Length: 2, 2\r\n\r\n{}",
        start + "Content-Length: 99999999999999999999\r\n\r\n", start + "Content-Length: 9223372036854775808\r\n\r\n",
        start + "Content-Length: 18446744073709551615\r\n\r\n",
        start + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        start + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        start + "Transfer-Encoding: gzip\r\n\r\n", start + "Transfer-Encoding: identity\r\n\r\n",
        start + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        start + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /invok/n/f HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        // Fields
        "GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n", "GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n",
        start + "X: a\r\n b\r\n\r\n", "GET /healthz HTTP/1.1\nHost: a\n\n", start + "X: a\nY: b\r\n\r\n",
        start + "X: a\rY: b\r\n\r\n", start + "X: a\u{0}b\r\n\r\n", start + "X: a\u{1}b\r\n\r\n",
        start + ": a\r\n\r\n", start + "X\r\n\r\n", start + "X: \(String(repeating: "a", count: 70_000))\r\n\r\n",
        start + String(repeating: "X: a\r\n", count: 300) + "\r\n",
    ]

    @Test(arguments: malformed)
    func whatIsNoRequestIsRefusedAndTheConnectionEnds(text: String) async throws {
        try await TestServer.run { server in
            try await WireClient.with(port: server.port) { client in
                // What stands behind it is not taken for a request.
                try await client.send(.get, "/healthz")
                try await client.send(text + "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await client.answer()?.status == 200)
                let answer = try #require(try await client.answer())
                #expect(answer.status == 400 && answer.problem?.code == "invalid_request")
                #expect(answer.fields["connection"] == "close")
                #expect(answer.problem?.requestID == answer.fields["x-request-id"])
                #expect(try await client.answer() == nil)
            }
        }
    }

    @Test(arguments: [
        "zz\r\n", "-2\r\n{}\r\n0\r\n\r\n", "0x2\r\n{}\r\n", "fffffffffffffffff\r\n", "2\n{}\r\n", "2\r\n{}XX0\r\n\r\n",
    ])
    func badChunksAreRefusedAndTheConnectionEnds(chunks: String) async throws {
        try await TestServer.run { server in
            try await WireClient.with(port: server.port) { client in
                try await client.send(
                    "POST /auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)
                #expect(try await client.answer()?.status == 400)
                #expect(try await client.answer() == nil)
            }
        }
    }

    @Test(arguments: [
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 501), ("CONNECT a:1 HTTP/1.0\r\n\r\n", 501),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n", 417),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", 200),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nUpgrade: h2c\r\n\r\n", 200),
        (
            "POST /auth/login HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 2\r\n\r\n{}",
            400
        ),
    ])
    func noOtherProtocolIsSpoken(text: String, status: Int) async throws {
        try await TestServer.run { server in
            try await WireClient.with(port: server.port) { client in
                // What stands behind it is not taken for a request.
                try await client.send(text + "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                let answer = try #require(try await client.answer())
                #expect(answer.status == status && answer.fields["connection"] == "close")
                #expect(try await client.answer() == nil)
            }
        }
    }

    @Test func manyRequestsInOnePieceAreAllAnswered() async throws {
        try await TestServer.run { server in
            try await WireClient.with(port: server.port) { client in
                let request = "POST /auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
                try await client.send(String(repeating: request, count: 300))
                // All that was sent is answered, though no more will come.
                try await client.finish()
                for _ in 0..<300 { #expect(try await client.answer()?.status == 400) }
                #expect(try await client.answer() == nil)
            }
        }
    }

    @Test func bytesThatMakeNothingEndTheConnection() async throws {
        try await TestServer.run { server in
            for text in [
                String(repeating: "\r\n", count: 200_000),
                "POST /auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;"
                    + String(repeating: "a", count: 400_000),
            ] {
                try await WireClient.with(port: server.port) { client in
                    // The server may be gone before all is written.
                    try? await client.send(text)
                    try await client.closed()
                }
            }
        }
    }

    @Test func aTargetInAbsoluteFormIsTheSame() async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            try await server.deploy("echo", token: user.token)
            try await WireClient.with(port: server.port) { client in
                try await client.send(
                    "GET http://there/invok/\(user.user.uuid)/hello?q HTTP/1.1\r\nHost: here\r\n\r\n")
                let answer = try #require(try await client.answer())
                #expect(answer.status == 200 && answer.fields["x-echo-path"] == "/hello?q")
                #expect(answer.fields["x-echo-x-forwarded-host"] == "there")
                try await client.send("GET HTTP://there HTTP/1.1\r\nHost: here\r\n\r\n")
                #expect(try await client.answer()?.status == 404)
            }
        }
    }

    // MARK: Answers

    @Test(arguments: [204, 304])
    func answersWithoutABodyHaveNone(status: Int) async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            // The simulated function sends a body all the same.
            try await server.deploy("hello much\n# sim: status \(status)", token: user.token)
            try await WireClient.with(port: server.port) { client in
                for _ in 0..<2 {
                    try await client.send(.get, "/invok/\(user.user.uuid)/hello")
                    try await client.send(.get, "/healthz")
                    let answer = try #require(try await client.answer())
                    #expect(answer.status == status && answer.fields["transfer-encoding"] == nil)
                    #expect(try await client.answer()?.body == #"{"status":"ok"}"#)
                }
            }
        }
    }

    @Test func oldClientsGetNoChunks() async throws {
        try await TestServer.run { server in
            let user = try await server.register()
            try await server.deploy("huge 100000", token: user.token)
            let path = "/invok/\(user.user.uuid)/hello"
            for fields in ["", "Connection: keep-alive\r\n"] {
                try await WireClient.with(port: server.port) { client in
                    try await client.send("GET \(path) HTTP/1.0\r\n\(fields)\r\n")
                    let head = try #require(try await client.text(through: "\r\n\r\n"))
                    #expect(head.hasPrefix("HTTP/1.0 200") && head.lowercased().contains("connection: close\r\n"))
                    #expect(!head.lowercased().contains("transfer-encoding"))
                    #expect(try await client.rest() == String(repeating: "x", count: 100_000))
                }
            }
        }
    }

    @Test func oldClientsMayKeepTheConnection() async throws {
        try await TestServer.run { server in
            try await WireClient.with(port: server.port) { client in
                for _ in 0..<2 {
                    try await client.send(
                        "POST /auth/login HTTP/1.0\r\nConnection: Keep-Alive\r\nExpect: 100-continue\r\n"
                            + "Content-Length: 2\r\n\r\n{}")
                    // No interim answer.
                    let answer = try #require(try await client.answer())
                    #expect(answer.status == 400 && answer.fields["connection"] == "keep-alive")
                }
                try await client.send("HEAD /healthz HTTP/1.0\r\n\r\n")
                #expect(try await client.answer(to: .head)?.fields["connection"] == "close")
                #expect(try await client.rest().isEmpty)
            }
        }
    }

    @Test(arguments: ["close", "Close", "X, CLOSE"])
    func theConnectionEndsWhenTheClientSaysSo(option: String) async throws {
        try await TestServer.run { server in
            try await WireClient.with(port: server.port) { client in
                let body = #"{"email":"a@example.com","password":"wrong horse"}"#
                try await client.send(.post, "/auth/login", fields: [("Connection", option)], body: body)
                try await client.send(.get, "/healthz")
                let answer = try #require(try await client.answer())
                #expect(answer.status == 401 && answer.fields["connection"] == "close")
                #expect(try await client.rest().isEmpty)
            }
        }
    }
}
