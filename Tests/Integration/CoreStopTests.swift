import Foundation
import Synchronization
import TestSupport
import Testing

#if os(Linux)
    import Glibc

    /// How the server ends, well and badly, and what it does when its disk is full.
    @Suite(.timeLimit(.minutes(5)))
    struct CoreStopTests {
        private static let slow = """
            import time
            def handler(request):
                print("asked", flush=True)
                time.sleep(2)
                return "slow"
            """

        /// A server's sandboxes and what runs in them, from the parents that `/proc` names.
        private func descendants(of core: CoreProcess) -> [Int32] {
            var parents: [Int32: Int32] = [:]
            for entry in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
                guard let process = Int32(entry), let fields = status(of: process) else { continue }
                parents[process] = Int32(fields[1])
            }
            var known: Set<Int32> = [core.processIdentifier]
            while true {
                let more = parents.filter { known.contains($0.value) && !known.contains($0.key) }.keys
                guard !more.isEmpty else { return Array(known.subtracting([core.processIdentifier])) }
                known.formUnion(more)
            }
        }

        /// One that nobody has waited for has ended all the same.
        private func running(_ processes: [Int32]) -> [Int32] {
            processes.filter { process in status(of: process).map { $0[0] != "Z" } ?? false }
        }

        /// The state, the parent, and what follows (proc(5)).
        private func status(of process: Int32) -> [Substring]? {
            guard let data = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return nil }
            let text = String(decoding: data, as: UTF8.self)
            guard let name = text.lastIndex(of: ")") else { return nil }
            let fields = text[name...].dropFirst().split(separator: " ")
            return fields.count > 1 ? fields : nil
        }

        /// What instances have in the data directory.
        private func instances(_ data: String) throws -> Set<String> {
            let files = try FileManager.default.contentsOfDirectory(atPath: data + "/run")
            return Set(files).subtracting(["etc", "etc-network"])
        }

        private func logHas(_ text: String, _ user: ServerClient, _ name: String) async throws -> Bool {
            try await user.call("GET", "/api/v1/functions/\(user.namespace)/\(name)/logs").text.contains(text)
        }

        @Test func sigtermFinishesWhatRunsAndLeavesNoSandbox() async throws {
            try await withFolder { folder in
                let core = try await CoreProcess.start(dataDirectory: folder.path + "/data", port: 0)
                let user = try await ServerClient.register(at: core.url)
                #expect(try await user.deploy("slow", source: Self.slow).status == 200)
                let sandboxes = descendants(of: core)
                #expect(!sandboxes.isEmpty)
                async let answer = user.call("GET", user.path("slow"))
                try await eventually("the request is there") { try await logHas("asked", user, "slow") }
                #expect(await core.end(with: SIGTERM) == 0)
                #expect(try await answer.text == "slow")
                #expect(running(sandboxes).isEmpty)
            }
        }

        @Test func killLeavesNoSandboxAndTheNextStartTidies() async throws {
            try await withFolder { folder in
                let data = folder.path + "/data"
                let first = try await CoreProcess.start(dataDirectory: data, port: 0)
                let user = try await ServerClient.register(at: first.url)
                #expect(try await user.deploy("kept", source: ServerClient.hello).status == 200)
                #expect(try await user.call("GET", user.path("kept")).text == "hello")
                let left = try instances(data)
                let sandboxes = descendants(of: first)
                #expect(!left.isEmpty && !sandboxes.isEmpty)
                await first.end(with: SIGKILL)
                try await eventually("every sandbox has ended") { running(sandboxes).isEmpty }

                let second = try await CoreProcess.start(dataDirectory: data, port: first.port)
                let now = try instances(data)
                #expect(Set(now).isDisjoint(with: left), "\(now)")
                #expect(try await user.call("GET", user.path("kept")).text == "hello")
                #expect(await second.end(with: SIGTERM) == 0)
                #expect(try instances(data).isEmpty)
            }
        }

        /// Mounting takes the rights of root; where the tests run without, sandboxes have no such disk either.
        @Test(.enabled(if: geteuid() == 0)) func aFullDiskStopsDeploysOnly() async throws {
            try await withFolder { folder in
                let disk = folder.path + "/disk"
                try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
                try #require(mount("tmpfs", disk, "tmpfs", 0, "size=24m") == 0)
                defer { umount2(disk, Int32(MNT_DETACH)) }
                let core = try await CoreProcess.start(dataDirectory: disk + "/data", port: 0)
                let user = try await ServerClient.register(at: core.url)
                #expect(try await user.deploy("old", source: ServerClient.hello).status == 200)

                let full = try await user.deploy("new", source: ServerClient.hello, padding: 30 << 20)
                #expect(full.status == 507 && full.text.contains("storage_full"), "\(full.status) \(full.text)")
                let filler = disk + "/filler"
                fill(filler)
                let none = try await user.deploy("new", source: ServerClient.hello, padding: 1 << 20)
                #expect(none.status == 507 && none.text.contains("storage_full"), "\(none.status) \(none.text)")
                for _ in 1...20 { #expect(try await user.call("GET", user.path("old")).text == "hello") }
                #expect(try await user.call("GET", "/invok/list").text.contains("old"))
                #expect(try await user.call("GET", "/healthz").status == 200)

                try FileManager.default.removeItem(atPath: filler)
                let again = try await user.deploy("new", source: ServerClient.hello)
                #expect(again.status == 200, "\(again.text)")
                #expect(try await user.call("GET", user.path("new")).text == "hello")
                #expect(await core.end(with: SIGTERM) == 0)
            }
        }

        /// Writes until nothing more fits.
        private func fill(_ path: String) {
            let file = open(path, O_CREAT | O_WRONLY, 0o600)
            defer { close(file) }
            for size in [1 << 20, 4096] {
                let block = [UInt8](repeating: 1, count: size)
                while write(file, block, size) > 0 {}
            }
        }

        @Test func aFloodOfLogLinesIsCapped() async throws {
            try await withFolder { folder in
                let core = try await CoreProcess.start(dataDirectory: folder.path + "/data", port: 0)
                let user = try await ServerClient.register(at: core.url)
                let source = """
                    def handler(request):
                        for number in range(20000):
                            print("x" * 1000)
                        print("the last", flush=True)
                        return "said"
                    """
                #expect(try await user.deploy("loud", source: source).status == 200)
                #expect(try await user.call("GET", user.path("loud")).text == "said")
                let used = try FileManager.default.subpathsOfDirectory(atPath: folder.path + "/data/logs").reduce(0) {
                    let attributes = try FileManager.default.attributesOfItem(atPath: folder.path + "/data/logs/" + $1)
                    return $0 + (attributes[.size] as? Int ?? 0)
                }
                #expect(used < 5 << 20, "\(used)")
                #expect(try await user.call("GET", "/healthz").status == 200)
                #expect(await core.end(with: SIGTERM) == 0)
            }
        }
    }
#endif
