import Foundation
import InvokArchive
import InvokModel
import Testing

@testable import InvokCLI

@Suite struct ProjectArchiveTests {
    private static let config = #"{"function_name":"hello","runtime":"go"}"#

    private func project(_ files: [String: String]) throws -> Sandbox {
        let sandbox = try Sandbox()
        for (path, text) in files { try sandbox.write(path, text) }
        return sandbox
    }

    private func failure(_ sandbox: Sandbox, limits: ArchiveLimits = ArchiveLimits()) -> Failure? {
        #expect(throws: Failure.self) { try ProjectArchive(folder: sandbox.directory, limits: limits) }
    }

    @Test func theServersReaderReadsWhatIsPacked() async throws {
        let sandbox = try project([
            "config.json": Self.config, "function.go": "package main\n", "page/grüße.html": "<p>", "empty": "",
            ".git/HEAD": "x", "notes/a.txt": "x", ".invokignore": "notes/\n",
        ])
        let archive = try ProjectArchive(folder: sandbox.directory, limits: ArchiveLimits())
        let entries = try await ZipReader().entries(of: archive.bytes, limits: ArchiveLimits())
        #expect(entries.map(\.path) == ["config.json", "empty", "function.go", "page/grüße.html"])
        #expect(try entries[2].content.beginning(.max) == Array("package main\n".utf8))
        #expect(archive.config.name.description == "hello")
        #expect(archive.files.count == 4)
    }

    @Test func theSameFolderGivesTheSameBytes() throws {
        let sandbox = try project(["config.json": Self.config, "function.go": "x", "b": "1", "a": "2"])
        let first = try ProjectArchive(folder: sandbox.directory, limits: ArchiveLimits())
        try sandbox.write("a", "2")
        // Times that a zip archive cannot say.
        for (path, seconds) in [("a", 0), ("b", 5_680_281_600)] {
            var times = [timeval(tv_sec: seconds, tv_usec: 0), timeval(tv_sec: seconds, tv_usec: 0)]
            #expect(utimes("\(sandbox.directory)/\(path)", &times) == 0)
        }
        #expect(try ProjectArchive(folder: sandbox.directory, limits: ArchiveLimits()) == first)
        try sandbox.write("a", "3")
        #expect(try ProjectArchive(folder: sandbox.directory, limits: ArchiveLimits()) != first)
    }

    @Test func whatIsPackedIsCompressedAndKeepsItsMode() async throws {
        let sandbox = try project(["config.json": Self.config, "function.go": String(repeating: "x", count: 100_000)])
        try sandbox.write("bin/tool", "#!/bin/sh\n")
        #expect(chmod(sandbox.directory + "/bin/tool", 0o755) == 0)
        let archive = try ProjectArchive(folder: sandbox.directory, limits: ArchiveLimits())
        #expect(archive.bytes.count < 2000 && archive.contentBytes > 100_000)
        let entries = try await ZipReader().entries(of: archive.bytes, limits: ArchiveLimits())
        #expect(try entries.map { try $0.content.beginning(.max).count } == [10, 40, 100_000])
        #expect(archive.files.map(\.isExecutable) == [true, false, false])
        // The mode stands in the upper half of the attributes of the directory's first entry.
        let directory = try #require(
            archive.bytes.indices.first { archive.bytes[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
        #expect(archive.bytes[(directory + 40)..<(directory + 42)] == [0o355, 0o201])
    }

    @Test func leavesOutWhatLooksLikeSecretsUnlessItIsNamed() async throws {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
        let sandbox = try project([
            "config.json": Self.config, "function.go": "x", ".env": "A=1", ".env.local": "A=1", ".env.example": "A=",
            ".aws/credentials": "x", "keys/id_ed25519": "x", ".npmrc": "x", "keys/server.pem": key, "keys/a.key": key,
            "keys/roots.pem": "-----BEGIN CERTIFICATE-----\n", "environment.txt": "x",
        ])
        let archive = try ProjectArchive(folder: sandbox.directory, limits: ArchiveLimits())
        let secrets = [".aws/", ".env", ".env.local", ".npmrc", "keys/a.key", "keys/id_ed25519", "keys/server.pem"]
        #expect(archive.secrets == secrets)
        let paths = try await ZipReader().entries(of: archive.bytes, limits: ArchiveLimits()).map(\.path)
        #expect(paths == [".env.example", "config.json", "environment.txt", "function.go", "keys/roots.pem"])
        let all = try ProjectArchive(
            folder: sandbox.directory, limits: ArchiveLimits(), including: [".env*", ".npmrc", "/.aws", "keys"])
        #expect(all.secrets == [] && all.files.count == 12)
    }

    /// What was a file when the folder was read may be a link when it is opened.
    @Test func whatIsOpenedIsTheFileItself() throws {
        let sandbox = try project(["target": "secret"])
        #expect(symlink("target", sandbox.directory + "/link") == 0 && mkfifo(sandbox.directory + "/pipe", 0o600) == 0)
        #expect(try Files.readRegular(sandbox.directory + "/target") == Array("secret".utf8))
        #expect(try Files.readRegular(sandbox.directory + "/none") == nil)
        for name in ["link", "pipe"] {
            #expect(throws: Failure.self) { try Files.readRegular(sandbox.directory + "/" + name) }
        }
    }

    @Test func takesRegularFilesOnly() throws {
        let sandbox = try project(["config.json": Self.config, "function.go": "x"])
        #expect(mkfifo(sandbox.directory + "/pipe", 0o600) == 0)
        #expect(failure(sandbox)?.message.contains("'pipe'") == true)
    }

    @Test func checksAsTheServerWill() throws {
        #expect(try failure(project(["function.go": "x"]))?.message.contains("no config.json") == true)
        #expect(try failure(project(["config.json": Self.config]))?.message.contains("function.go") == true)
        #expect(try failure(project(["config.json": "{", "function.go": "x"]))?.code == "invalid_config")
    }

    @Test func namesTheLargestFileOfAProjectThatIsTooLarge() throws {
        let noise = String((0..<5000).map { _ in "abcdefghijklmnopqrstuvwxyz".randomElement() ?? "a" })
        let sandbox = try project(["config.json": Self.config, "function.go": "x", "big": noise])
        let failure = failure(sandbox, limits: ArchiveLimits(archiveBytes: 2000))
        #expect(failure?.code == "payload_too_large" && failure?.message.contains("'big'") == true)
        #expect(self.failure(sandbox, limits: ArchiveLimits(contentBytes: 4000))?.message.contains("'big'") == true)
        #expect(failure?.nextStep?.contains(".invokignore") == true)
        #expect(self.failure(sandbox, limits: ArchiveLimits(entries: 2))?.message.contains("2 files") == true)
    }

    @Test(arguments: [(0, "0 B"), (1023, "1023 B"), (1024, "1 kB"), (1536, "1.5 kB"), (50 << 20, "50 MB")])
    func saysSizes(_ bytes: Int, _ expected: String) { #expect(ByteCount.text(bytes) == expected) }
}
