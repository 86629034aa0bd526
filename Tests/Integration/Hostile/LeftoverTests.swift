import Foundation
import TestSupport
import Testing

/// What builds of an earlier core left in its data directory, whatever that is, never keeps the next one from starting.
@Suite(.timeLimit(.minutes(5)))
struct LeftoverTests {
    /// The limit is far below the depth of the deepest tree.
    private static let command = ["/usr/bin/prlimit", "--nofile=512:512", Products.url("invok-core").path]

    @Test(arguments: HostileTree.allCases) func aCoreStartsAndRemovesIt(tree: HostileTree) async throws {
        try await withFolder { folder in
            let data = folder.path + "/data"
            let work = data + "/bundles/.tmp-1"
            try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
            let outside = folder.path + "/outside"
            try Data("kept".utf8).write(to: URL(filePath: outside))
            try tree.make(at: work + "/work", outside: outside)
            let core = try await CoreProcess.start(dataDirectory: data, port: 0, command: Self.command)
            #expect(!FileManager.default.fileExists(atPath: work))
            let client = try await ServerClient.register(at: core.url)
            #expect(try await client.deploy("hello", source: ServerClient.hello).status == 200)
            try await eventually("the quarantine is empty") {
                try FileManager.default.contentsOfDirectory(atPath: data + "/quarantine").isEmpty
            }
            #expect(try Data(contentsOf: URL(filePath: outside)) == Data("kept".utf8))
            #expect(await core.end(with: SIGTERM) == 0)
        }
    }

    /// Only root can make a file that not even root removes, and not on every file system.
    @Test(.enabled("this file system knows no immutable files") { await Self.canMakeImmutable })
    func whatCannotBeRemovedIsNamedAndStays() async throws {
        try await withFolder { folder in
            let data = folder.path + "/data"
            let work = data + "/bundles/.tmp-1/work"
            try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
            try Data().write(to: URL(filePath: work + "/file"))
            try await Self.chattr("+i", work + "/file")
            for start in 1...2 {
                let core = try await CoreProcess.start(dataDirectory: data, port: 0)
                try await eventually("the log names it") { core.errors.contains("\(data)/quarantine/1") }
                let client = try await ServerClient.register(at: core.url)
                #expect(try await client.deploy("hello\(start)", source: ServerClient.hello).status == 200)
                #expect(await core.end(with: SIGTERM) == 0)
            }
            try await Self.chattr("-i", data + "/quarantine/1/work/file")
            let core = try await CoreProcess.start(dataDirectory: data, port: 0)
            try await eventually("the quarantine is empty") {
                try FileManager.default.contentsOfDirectory(atPath: data + "/quarantine").isEmpty
            }
            #expect(await core.end(with: SIGTERM) == 0)
        }
    }

    private static func chattr(_ flag: String, _ path: String) async throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/chattr")
        process.arguments = [flag, path]
        process.standardError = FileHandle.nullDevice
        let ended = ProcessEnd(of: process)
        try process.run()
        await ended.wait()
        guard process.terminationStatus == 0 else { throw POSIXError(.EPERM) }
    }

    private static var canMakeImmutable: Bool {
        get async {
            guard geteuid() == 0 else { return false }
            let path = FileManager.default.temporaryDirectory.appending(path: "invok-immutable-\(UUID())").path
            defer { try? FileManager.default.removeItem(atPath: path) }
            guard (try? Data().write(to: URL(filePath: path))) != nil, (try? await chattr("+i", path)) != nil else {
                return false
            }
            return (try? await chattr("-i", path)) != nil
        }
    }
}
