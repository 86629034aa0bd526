import Foundation
import Glibc
import Invok
import InvokBuild
import InvokEmbedded
import InvokPOSIX
import InvokSim
import Logging
import TestSupport
import Testing

@testable import InvokRegistry

/// What a build gets at its socket, and what it does not.
@Suite(.timeLimit(.minutes(2)))
struct RegistryServerTests {
    private let root: TemporaryFolder
    private let source = SimPackageSource()

    init() throws {
        root = try TemporaryFolder()
        source.put(
            .init(Array("v1.0.0\n".utf8), contentType: "text/plain"), at: "https://proxy.golang.org/a.example/b/@v/list"
        )
        source.put(
            .init([UInt8](repeating: 7, count: 1 << 20)), at: "https://proxy.golang.org/a.example/b/@v/v1.0.0.zip")
    }

    private func run(
        limits: RegistryServer.DoorLimits = .init(), _ body: (MirroredBuild) async throws -> Void
    ) async throws {
        try await MirroredBuild.run(RegistrySettings([:]), in: root, source: source, limits: limits, body)
    }

    private func status(_ answer: String) -> String { String(answer.split(separator: "\r\n").first ?? "") }

    @Test func registriesAreRead() async throws {
        try await run { build in
            let answer = try await build.answer("GET /go/a.example/b/@v/list HTTP/1.1\r\nHost: 127.0.0.1:8901\r\n\r\n")
            #expect(status(answer) == "HTTP/1.1 200 OK" && answer.hasSuffix("\r\n\r\nv1.0.0\n"), "\(answer)")
            let head = try await build.answer("HEAD /go/a.example/b/@v/v1.0.0.zip HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(head.lowercased().contains("content-length: 1048576") && head.hasSuffix("\r\n\r\n"), "\(head)")
            let file = try await build.answer("GET /go/a.example/b/@v/v1.0.0.zip HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(file.utf8.count > 1 << 20)
        }
    }

    /// Whatever is asked for, nobody else is asked.
    @Test(arguments: [
        "GET http://169.254.169.254/latest/meta-data HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n",
        "GET /go/a.example/b/@v/list HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "GET http://evil.example/go/a.example/b/@v/list HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        "CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n",
        "GET /evil.example/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET /pypi/0/file/AAAA/aHR0cDovLzE2OS4yNTQuMTY5LjI1NC8/x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET /pypi/0/simple/../../../etc/passwd HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET /go/%2e%2e/%2e%2e/etc/@v/list HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "nonsense\r\n\r\n",
    ])
    func otherHostsAreNotReached(_ request: String) async throws {
        try await run { build in
            let answer = try await build.answer(request)
            #expect(status(answer).hasPrefix("HTTP/1.1 403 "), "\(answer)")
        }
        #expect(source.requests.isEmpty)
    }

    @Test func nothingIsSentToRegistries() async throws {
        try await run { build in
            for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
                let answer = try await build.answer(
                    "\(method) /npm/left-pad HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}")
                #expect(status(answer).hasPrefix("HTTP/1.1 405 "), "\(answer)")
            }
        }
        #expect(source.requests.isEmpty)
    }

    @Test func aBuildGetsOnlySoMuch() async throws {
        var limits = RegistryServer.DoorLimits()
        limits.bytes = 3 << 20
        try await run(limits: limits) { build in
            for _ in 0..<3 {
                let answer = try await build.answer(
                    "GET /go/a.example/b/@v/v1.0.0.zip HTTP/1.1\r\nHost: localhost\r\n\r\n")
                #expect(status(answer) == "HTTP/1.1 200 OK")
            }
            let answer = try await build.answer("GET /go/a.example/b/@v/v1.0.0.zip HTTP/1.1\r\nHost: localhost\r\n\r\n")
            #expect(status(answer).contains("413 this build has got the 3 MB of packages that it may get"), "\(answer)")
        }
    }

    @Test func aPathMayBeLongAndTheSocketGoesWithTheDoor() async throws {
        let folder = root.path + "/" + String(repeating: "a", count: 200)
        try Files.makeDirectory(folder, mode: 0o700)
        let server = RegistryServer(
            settings: RegistrySettings([:]), source: source, cacheDirectory: root.path + "/cache", clock: SystemClock(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let (one, two) = (try await server.open(at: folder + "/one"), try await server.open(at: folder + "/two"))
        var status = stat()
        let found = stat(folder + "/one", &status)
        #expect(found == 0 && status.st_mode & 0o777 == 0o666)
        await #expect(throws: SystemError.self) { try await server.open(at: folder + "/one") }
        await one.close()
        #expect(Files.names(in: folder) == ["two"])
        await two.close()
        await two.close()
        #expect(Files.names(in: folder).isEmpty)
    }

    /// A build that is ended while it gets something holds up nobody.
    @Test func aDoorClosesWhileSomethingIsGot() async throws {
        try await TestRegistry.run { registry in
            var page = TestRegistry.Page([UInt8](repeating: 1, count: 1 << 20))
            page.cutAt = 10
            registry.put(page, at: "/a.example/b/@v/v1.0.0.zip")
            let settings = RegistrySettings(["GOPROXY": registry.url])
            try await MirroredBuild.run(settings, in: root) { build in
                _ = try await build.run("none", ["true"])
                let connection = try await ByteConnection.connect(port: build.port)
                try await connection.write("GET /go/a.example/b/@v/v1.0.0.zip HTTP/1.1\r\nHost: localhost\r\n\r\n")
                try await eventually("the registry is asked") { !registry.requests.isEmpty }
            }
        }
    }
}
