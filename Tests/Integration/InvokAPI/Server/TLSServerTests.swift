import HTTPTypes
import Invok
import InvokProxy
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import InvokAPI

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Behind TLS a client has what it has without, and no more.
@Suite(.timeLimit(.minutes(1)))
struct TLSServerTests {
    private let folder: TemporaryFolder
    private let client: TLSClient
    private let certificate: TestCertificate
    private let termination: TLSTermination

    init() async throws {
        folder = try TemporaryFolder()
        certificate = try await TestCertificate.make(in: URL(filePath: folder.path))
        client = try TLSClient(trusting: certificate.certificate)
        termination = TLSTermination(
            try TLSIdentity(
                certificates: Array(Data(contentsOf: URL(filePath: certificate.certificate))),
                key: Array(Data(contentsOf: URL(filePath: certificate.key)))))
    }

    private var configuration: ServerConfiguration { ServerConfiguration(port: 0, tls: termination) }

    // MARK: Calls

    @Test(arguments: CallWay.allCases) func functionsKnowThatTheirCallersSpeakTLS(way: CallWay) async throws {
        try await SocketFunction.run(way, configuration: configuration, tls: client) { connection in
            while let head = try await connection.text(through: "\r\n\r\n") {
                let scheme = head.firstMatch(of: /x-forwarded-proto: *(\w+)\r\n/.ignoresCase())?.output.1 ?? "none"
                try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(scheme.count)\r\n\r\n\(scheme)")
            }
        } body: { function in
            try await WireClient.with(port: function.server.port, tls: client) { wire in
                for _ in 0..<3 {
                    try await wire.send(.get, function.path, fields: [("X-Forwarded-Proto", "http")])
                    #expect(try await wire.answer()?.body == "https")
                }
            }
        }
    }

    @Test(arguments: CallWay.allCases) func bodiesPassBothWaysWhateverTheirSize(way: CallWay) async throws {
        let size = 3 << 20
        try await SocketFunction.run(way, configuration: configuration, tls: client) { connection in
            while try await connection.text(through: "\r\n\r\n") != nil {
                let body = try #require(try await connection.bytes(size))
                try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
                try await connection.write(body)
            }
        } body: { function in
            let body = String(String.UnicodeScalarView((0..<size).map { Unicode.Scalar(UInt8($0 % 251)) }))
            try await WireClient.with(port: function.server.port, tls: client) { wire in
                for _ in 0..<2 {
                    try await wire.send(.post, function.path, body: body)
                    #expect(try await wire.answer()?.body == body)
                }
            }
        }
    }

    @Test(arguments: CallWay.allCases) func whoHasEndedItsSendingGetsTheWholeAnswer(way: CallWay) async throws {
        let size = 8 << 20
        try await SocketFunction.run(way, configuration: configuration, tls: client) { connection in
            while try await connection.text(through: "\r\n\r\n") != nil {
                try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
                try await connection.write([UInt8](repeating: 65, count: size))
            }
        } body: { function in
            try await WireClient.with(port: function.server.port, tls: client) { wire in
                try await wire.send(.get, function.path)
                try await wire.finish()
                var head = try await wire.text(through: "\r\n\r\n")
                // It may be asked before whether it still reads (RFC 9110 §15.2).
                if head?.hasPrefix("HTTP/1.1 100 ") == true { head = try await wire.text(through: "\r\n\r\n") }
                #expect(head?.hasPrefix("HTTP/1.1 200 ") == true)
                #expect(try await wire.skip(size) == size)
                try await wire.closed()
            }
        }
    }

    @Test func probesOfThisMachineAreAnswered() async throws {
        var configuration = configuration
        configuration.hosts = try HostRules(listener: "127.0.0.1")
        try await TestServer.run(configuration, tls: client) { server in
            try await WireClient.with(port: server.port, tls: client) { wire in
                try await wire.send("GET /healthz HTTP/1.1\r\nHost: 10.0.0.7:3000\r\n\r\n")
                #expect(try await wire.answer()?.status == 200)
            }
        }
    }

    @Test func onlyPagesThatCameByTLSAreItsOwn() async throws {
        var configuration = configuration
        configuration.hosts = try HostRules(listener: "0.0.0.0", publicURL: "https://invok.example")
        try await TestServer.run(configuration, tls: client) { server in
            for (origin, status) in [("https://invok.example", 400), ("http://invok.example", 403)] {
                let answer = try await WireClient.with(port: server.port, tls: client) { wire in
                    try await wire.send(
                        "POST /auth/login HTTP/1.1\r\nHost: invok.example\r\nOrigin: \(origin)\r\nContent-Length: 2\r\n\r\n{}"
                    )
                    return try await wire.answer()
                }
                #expect(answer?.status == status, "\(origin)")
            }
        }
    }

    // MARK: Who speaks otherwise

    @Test(arguments: [
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "POST /a HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
    ])
    func aRequestInPlainTextIsToldSo(text: String) async throws {
        try await TestServer.run(configuration, tls: client) { server in
            try await WireClient.with(port: server.port) { wire in
                try await wire.send(text)
                let answer = try #require(try await wire.answer())
                #expect(answer.status == 400 && answer.problem?.nextStep?.contains("https://") == true)
                #expect(answer.fields["connection"] == "close")
                try await wire.closed()
            }
        }
    }

    /// It is not answered by what it cannot read.
    @Test func whoOffersOtherProtocolsAloneIsToldSo() async throws {
        try await TestServer.run(configuration, tls: client) { server in
            for protocols in [["h2"], ["h2", "http/1.0"]] {
                let other = try TLSClient(trusting: certificate.certificate, protocols: protocols)
                let error = await #expect(throws: (any Error).self) {
                    _ = try await ByteConnection.connect(port: server.port, tls: other).rest()
                }
                #expect("\(error.map { "\($0)" } ?? "")".contains("NO_APPLICATION_PROTOCOL"))
            }
            let both = try TLSClient(trusting: certificate.certificate, protocols: ["h2", "http/1.1"])
            try await WireClient.with(port: server.port, tls: both) { wire in
                try await wire.send(.get, "/healthz")
                #expect(try await wire.answer()?.status == 200)
            }
        }
    }

    @Test(arguments: 0...3) func oldVersionsAreRefused(version: Int) async throws {
        try await TestServer.run(configuration, tls: client) { server in
            let client = try TLSClient(trusting: certificate.certificate, versions: version...version)
            let answer = { () async throws -> String? in
                let connection = try await ByteConnection.connect(port: server.port, tls: client)
                try await connection.write("GET /healthz HTTP/1.0\r\n\r\n")
                return try await connection.text(through: "\r\n")
            }
            if version >= 2 {
                #expect(try await answer()?.contains("200") == true)
            } else {
                await #expect(throws: (any Error).self) { _ = try await answer() }
            }
        }
    }

    // MARK: Limits

    /// The time for a first byte is that for the handshake, too.
    @Test func whoDoesNotComeToARequestIsClosed() async throws {
        var configuration = configuration
        configuration.firstByteTimeout = .milliseconds(300)
        try await TestServer.run(configuration, tls: client) { server in
            let silent = try await ByteConnection.connect(port: server.port)
            try await silent.closed()
            let slow = try await ByteConnection.connect(port: server.port)
            try await slow.write([22, 3, 1, 1, 0, 1, 0, 0, 252])
            try await slow.closed()
            // The handshake is made, and that is all.
            let quiet = try await ByteConnection.connect(port: server.port, tls: client)
            try await quiet.closed()
        }
    }

    @Test func aConnectionCountsFromItsFirstByte() async throws {
        var configuration = configuration
        configuration.connectionsPerAddress = 2
        configuration.firstByteTimeout = .seconds(600)
        configuration.headTimeout = .seconds(600)
        try await TestServer.run(configuration, tls: client) { server in
            let first = try await ByteConnection.connect(port: server.port)
            try await first.write([22, 3, 1])
            let second = try await ByteConnection.connect(port: server.port, tls: client)
            try await second.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try await second.text(through: "\r\n")?.contains("200") == true)
            let third = try await ByteConnection.connect(port: server.port, tls: client)
            try await third.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try await third.text(through: "\r\n")?.contains("200") == true)
            try await first.closed()
        }
    }

    @Test func anAnswerThatNobodyTakesEnds() async throws {
        var configuration = configuration
        configuration.answerTimeout = .milliseconds(400)
        try await TestServer.run(configuration, tls: client) { server in
            let user = try await server.register()
            try await server.deploy("huge 50000000", token: user.token)
            let connection = try await ByteConnection.connect(port: server.port, tls: client)
            try await connection.write("GET /invok/\(user.user.uuid)/hello HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try await connection.text(through: "\r\n\r\n")?.contains(" 200 ") == true)
            // Nothing more is read until the server has given up, which frees the function.
            try await eventually("the request ends") {
                let status = try await server.call(.get, "/api/v1/status", token: user.token)
                return status.body.contains(#""requests":0"#)
            }
            try await connection.closed()
        }
    }

    @Test func aStopWaitsForNoHandshake() async throws {
        var configuration = configuration
        configuration.firstByteTimeout = .seconds(600)
        let kept = Mutex<ByteConnection?>(nil)
        try await TestServer.run(configuration, tls: client) { server in
            let connection = try await ByteConnection.connect(port: server.port)
            try await connection.write([22, 3, 1])
            // The server has seen it once one that came later is served.
            #expect(try await server.call(.get, "/healthz").status == 200)
            kept.withLock { $0 = connection }
        }
        kept.withLock { $0 = nil }
    }

    @Test func aStopWaitsForNoFarewell() async throws {
        var configuration = configuration
        configuration.headTimeout = .seconds(600)
        let kept = Mutex<ByteConnection?>(nil)
        try await SocketFunction.run(.direct, configuration: configuration, tls: client) { connection in
            while try await connection.text(through: "\r\n\r\n") != nil {
                try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            }
        } body: { function in
            // It reads nothing of what comes behind its answer.
            let connection = try await ByteConnection.connect(port: function.server.port, tls: client)
            try await connection.write("GET \(function.path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(try await connection.text(through: "ok") != nil)
            kept.withLock { $0 = connection }
        }
        kept.withLock { $0 = nil }
    }
}
