import Foundation
import TestSupport
import Testing

/// How the server starts and what it says when it cannot.
@Suite(.timeLimit(.minutes(5)))
struct CoreStartTests {
    private static let secret = "kq3Vt8wZ1rXy5uBn7mCd9fGh2jLp4sQe"

    /// Runs a server that cannot start, in a folder of its own.
    /// - Parameters:
    ///   - environment: an empty value takes a variable away.
    ///   - file: the text of `.env`.
    private func refused(
        _ environment: [String: String], arguments: [String] = [], file: String? = nil
    ) async throws -> CoreRun {
        try await withFolder { folder in
            if let file { try Data(file.utf8).write(to: folder.appending(path: ".env")) }
            let defaults = ["HOME": folder.path, "PATH": "/usr/bin:/bin", "SERVER_PORT": "0"]
                // Of a server on a port that is told, the standard one may be another test's.
                .merging(["INVOK_METRICS_ADDRESS": "127.0.0.1:0"]) { $1 }
            return try await CoreRun.run(
                arguments, environment: defaults.merging(environment) { $1 }.filter { !$0.value.isEmpty }, in: folder)
        }
    }

    private func expectRefusal(_ run: CoreRun, status: Int32, _ parts: [String]) {
        #expect(run.status == status, "\(run.errors)")
        for part in parts { #expect(run.errors.contains(part), "\(part): \(run.errors)") }
        // A sentence for a person, not a Swift value.
        #expect(!run.errors.contains("Error Domain") && !run.errors.contains("Failure("))
        #expect(!run.output.contains("listens"))
    }

    static let badSettings: [(String, String, String)] = [
        ("SERVER_PORT", "http", "from 0 to 65535"), ("SERVER_PORT", "65536", "from 0 to 65535"),
        ("INVOK_EGRESS", "all", "'off', 'list' or 'public'"),
        ("INVOK_EGRESS_PRIVATE", "db.example:5432", "addresses or"),
        ("INVOK_BUILD_EGRESS", "all", "'registries' or 'off'"), ("INVOK_ENGINE", "magic", "'sandbox'"),
        ("INVOK_METRICS_ADDRESS", "9464", "127.0.0.1:9464"),
        ("INVOK_DEFAULT_ACCESS", "open", "'private' or 'public'"),
        ("AUTH_TOKEN_HOURS", "0", "from 1 to 87600"), ("AUTH_ATTEMPTS_PER_ADDRESS", "many", "from 1 to"),
        ("INVOK_MIN_FREE_DISK_PERCENT", "100", "from 0 to 99"), ("MAX_FUNCTION_SIZE", "50MB", "from 1024 to"),
        ("LOG_LEVEL", "loud", "trace, debug, info"), ("INVOK_CONSOLE_ADDRESS", "3001", "127.0.0.1:3001"),
        ("AUTH_JWT_SECRET", "short", "openssl rand -hex 32"),
        ("AUTH_JWT_SECRET", "changeme-changeme-changeme-changeme", "openssl rand -hex 32"),
    ]

    @Test(arguments: badSettings)
    func aBadSettingIsNamedWithWhatItMayBe(variable: String, value: String, allowed: String) async throws {
        expectRefusal(try await refused([variable: value]), status: 78, [variable, allowed])
        expectRefusal(
            try await refused([variable: ""], file: "\(variable)=\(value)\n"), status: 78, [variable, allowed])
    }

    @Test func badOptionsAreNamed() async throws {
        expectRefusal(try await refused([:], arguments: ["--port", "70000"]), status: 78, ["--port", "65535"])
        expectRefusal(try await refused([:], arguments: ["--prot", "1"]), status: 64, ["--prot"])
    }

    @Test func helpAndVersion() async throws {
        let help = try await refused([:], arguments: ["--help"])
        #expect(help.status == 0 && help.output.contains("INVOK_DATA_DIR") && help.output.contains("--port"))
        let version = try await refused([:], arguments: ["--version"])
        #expect(version.status == 0 && version.output.hasPrefix("invok-core "))
    }

    @Test func theEnvironmentWinsOverTheFile() async throws {
        let run = try await refused(["LOG_LEVEL": "loud"], file: "LOG_LEVEL=silent\nAUTH_TOKEN_HOURS=1\n")
        expectRefusal(run, status: 78, ["LOG_LEVEL is 'loud'"])
    }

    @Test func aFileInPlaceOfTheDataDirectory() async throws {
        try await withFolder { folder in
            let file = folder.appending(path: "data")
            try Data().write(to: file)
            for path in [file.path, file.path + "/below"] {
                expectRefusal(
                    try await refused(["INVOK_DATA_DIR": path]), status: 1, [path, "INVOK_DATA_DIR"])
            }
        }
    }

    @Test func aPortInUseAndADataDirectoryInUse() async throws {
        try await withFolder { folder in
            let core = try await CoreProcess.start(dataDirectory: folder.path + "/data", port: 0)
            expectRefusal(
                try await refused(["SERVER_PORT": "\(core.port)", "INVOK_DATA_DIR": folder.path + "/other"]),
                status: 1, ["127.0.0.1:\(core.port)", "SERVER_PORT"])
            expectRefusal(
                try await refused([
                    "INVOK_METRICS_ADDRESS": "127.0.0.1:\(core.port)", "INVOK_DATA_DIR": folder.path + "/other",
                ]),
                status: 1, ["127.0.0.1:\(core.port)", "INVOK_METRICS_ADDRESS"])
            expectRefusal(
                try await refused(["INVOK_DATA_DIR": folder.path + "/data"]), status: 1,
                [folder.path + "/data", "\(core.processIdentifier)", "INVOK_DATA_DIR"])
            // It listens already when it finds the console's port taken.
            let console = try await refused([
                "INVOK_CONSOLE_ADDRESS": "127.0.0.1:\(core.port)", "INVOK_DATA_DIR": folder.path + "/third",
            ])
            #expect(console.status == 1 && console.errors.contains("INVOK_CONSOLE_ADDRESS"), "\(console.errors)")
            #expect(console.errors.contains("127.0.0.1:\(core.port)"))
            #expect(await core.end(with: SIGTERM) == 0)
        }
    }

    @Test func aMissingRuntimeIsSaidOnceAndADeployOfItSaysTheNextStep() async throws {
        try await withFolder { folder in
            let core = try await CoreProcess.start(
                dataDirectory: folder.path + "/data", port: 0,
                environment: [
                    "INVOK_NODE": "/nowhere/node", "INVOK_TOOLCHAINS": folder.path, "PATH": "", "HOME": folder.path,
                    "INVOK_PYTHON": "/usr/bin/python3",
                ])
            let user = try await ServerClient.register(at: core.url)
            let answer = try await user.deploy(
                "late", source: "export default () => new Response('x')", runtime: "nodejs")
            #expect(answer.status == 503, "\(answer.text)")
            #expect(answer.text.contains("INVOK_NODE"))
            #expect(await core.end(with: SIGTERM) == 0)
            #expect(core.errors.ranges(of: "node was not found").count == 1, "\(core.errors)")
        }
    }

    @Test func theFilesSettingsAreRead() async throws {
        try await withFolder { folder in
            try Data("AUTH_JWT_SECRET=\(Self.secret)\nINVOK_DEFAULT_ACCESS=public\n".utf8)
                .write(to: folder.appending(path: ".env"))
            let core = try await CoreProcess.start(
                dataDirectory: folder.path + "/data", port: 0, workingDirectory: folder)
            let user = try await ServerClient.register(at: core.url)
            #expect(try await user.deploy("open", source: ServerClient.hello).status == 200)
            #expect(try await user.with(token: nil).call("GET", user.path("open")).status == 200)
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/data/jwt-secret"))
            #expect(await core.end(with: SIGTERM) == 0)
        }
    }
}
