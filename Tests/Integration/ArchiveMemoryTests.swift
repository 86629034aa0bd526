import Foundation
import Invok
import TestSupport
import Testing

/// What an archive takes of the server's memory: pieces of it, however large it is.
@Suite(.timeLimit(.minutes(5)))
struct ArchiveMemoryTests {
    /// A deploy, one of another environment and a build from what is kept read 40 MB that do not compress and 200 MB that
    /// do.
    @Test func aLargeArchiveIsNeverWholeInMemory() async throws {
        try await withFolder { folder in
            let archive = try await Self.archive(in: folder)
            let data = folder.appending(path: "data")
            let core = try await CoreProcess.start(dataDirectory: data.path, port: 0)
            do {
                let client = try await ServerClient.register(at: core.url)
                // What the first deploy of any function takes is not the archive's.
                #expect(try await client.deploy("small", source: ServerClient.hello).status == 200)
                #expect(try await client.call("GET", client.path("small")).text == "hello")
                try Self.forgetPeak(of: core.processIdentifier)
                let before = try Self.megabytes("VmRSS", of: core.processIdentifier)

                let deployed = try await client.upload(archive, as: "large.zip")
                #expect(deployed.status == 200, "\(deployed.text)")
                #expect(try await client.call("GET", client.path("large")).text == "200000000")
                let changed = try await client.call(
                    "PUT", "/api/v1/functions/\(client.namespace)/large", type: "application/json",
                    body: Array(#"{"env":{"A":"1"}}"#.utf8))
                #expect(changed.status == 200, "\(changed.text)")

                let peak = try Self.megabytes("VmHWM", of: core.processIdentifier)
                print("the server's memory before a large deploy: \(before) MB, at most during it: \(peak) MB")
                #expect(peak - before < 64, "it took \(peak - before) MB")
            } catch {
                await core.end(with: SIGTERM)
                throw error
            }
            await core.end(with: SIGTERM)
        }
    }

    /// Deflated, which no writer of the tests does.
    private static func archive(in folder: URL) async throws -> [UInt8] {
        let path = folder.appending(path: "large.zip").path
        let script = """
            import os, sys, zipfile
            source = "import os\\ndef handler(request):\\n    return str(os.path.getsize('/bundle/zeros'))\\n"
            config = '{"function_name":"large","runtime":"python","env":{"A":"0"}}'
            with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as zip:
                zip.writestr("config.json", config)
                zip.writestr("function.py", source)
                zip.writestr("zeros", bytes(200_000_000))
                zip.writestr("noise", os.urandom(40_000_000))
            """
        try await Services.run("python3", ["-c", script, path])
        return Array(try Data(contentsOf: URL(filePath: path)))
    }

    /// Lets the kernel count the peak from now on (proc(5), clear_refs).
    private static func forgetPeak(of process: Int32) throws {
        let file = try FileHandle(forWritingTo: URL(filePath: "/proc/\(process)/clear_refs"))
        try file.write(contentsOf: Data("5".utf8))
        try file.close()
    }

    private static func megabytes(_ name: String, of process: Int32) throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(name):") })
        return try #require(line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }) / 1024
    }
}
