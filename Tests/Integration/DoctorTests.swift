import Foundation
import TestSupport
import Testing

/// `invok-core doctor --security`: it finds nothing to say of this server, and does of one that lets everything pass.
@Suite(.timeLimit(.minutes(5)))
struct DoctorTests {
    private func doctor(_ arguments: [String], environment: [String: String] = [:]) async throws -> CoreRun {
        try await withFolder { folder in
            try await CoreRun.run(
                ["doctor"] + arguments,
                environment: ["HOME": folder.path, "PATH": "/usr/bin:/bin"].merging(environment) { $1 }, in: folder)
        }
    }

    @Test func allHoldsOfThisServer() async throws {
        try await withFolder { folder in
            let core = try await CoreProcess.start(dataDirectory: folder.path + "/data", port: 0)
            let person = try await ServerClient.register(at: core.url)
            let run = try await doctor(
                ["--security", "--server", core.url, "--data-dir", folder.path + "/data"],
                environment: ["INVOK_TOKEN": try #require(person.token)])
            #expect(run.status == 0, "\(run.output)\(run.errors)")
            #expect(run.output.contains(" 0 broken, 0 skipped"), "\(run.output)")
            #expect(run.output.contains("holds    a function has no capabilities"))
            let left = try await person.call("GET", "/api/v1/functions")
            #expect(!left.text.contains("doctor-"), "the probe is still there: \(left.text)")
            await core.end(with: SIGTERM)
        }
    }

    @Test func aServerThatTakesEverythingIsFound() async throws {
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nAccess-Control-Allow-Origin: *\r\n\r\n"
        try await ByteServer.run { connection in
            _ = try await connection.bytes(through: "\n")
            try await connection.write(answer)
            // Not a reset, which could take the answer with it.
            try await connection.finish()
            try await connection.closed()
        } body: { port in
            let run = try await doctor(
                ["--security", "--server", "http://127.0.0.1:\(port)", "--data-dir", "/nowhere"])
            #expect(run.status == 1)
            for claim in ["CONNECT is refused", "a length over 2^63-1 is refused", "cannot read the API"] {
                #expect(run.output.contains(claim), "\(run.output)")
            }
            // Only the connection behind the upgrade ends as it should.
            #expect(run.output.contains("1 hold, 17 broken, 2 skipped"), "\(run.output)")
        }
    }

    @Test func wrongInputIsNamed() async throws {
        let nothing = try await doctor([])
        #expect(nothing.status == 64 && nothing.errors.contains("doctor --security"), "\(nothing.errors)")
        let address = try await doctor(["--security", "--server", "ftp://example.com"])
        #expect(address.status == 1 && address.errors.contains("https://HOST:PORT"), "\(address.errors)")
        let unknown = try await doctor(["--security", "--server", "https://example.com"])
        #expect(unknown.status == 1 && unknown.errors.contains("INVOK_TLS_CERT"), "\(unknown.errors)")
        let absent = try await doctor(["--security", "--server", "http://127.0.0.1:1"])
        #expect(absent.status == 1 && absent.errors.contains("Start invok-core"), "\(absent.errors)")
    }
}
