import Foundation
import TestSupport
import Testing

#if os(Linux)
    import Glibc

    /// More connections than there should be, and ones that are of no use.
    @Suite(.timeLimit(.minutes(5)), .serialized)
    struct ConnectionTests {
        /// Runs a core of its own whose descriptors are limited by the shell.
        private func withCore(
            _ limit: String, _ environment: [String: String] = [:],
            body: (CoreProcess) async throws -> Void
        ) async throws {
            try await withFolder { folder in
                let core = try await CoreProcess.start(
                    dataDirectory: folder.path + "/data", port: 0, environment: environment,
                    command: ["/bin/sh", "-c", "ulimit \(limit); exec \"$0\" \"$@\"", Products.url("invok-core").path])
                do {
                    try await body(core)
                } catch {
                    await core.end(with: SIGTERM)
                    throw error
                }
                #expect(await core.end(with: SIGTERM) == 0)
            }
        }

        private func isServed(_ core: CoreProcess) async throws -> Bool {
            try await Call.to(core.url + "/healthz").status == 200
        }

        @Test func theSoftLimitIsRaised() async throws {
            try await withCore("-Sn 300") { core in
                let limits = try String(contentsOfFile: "/proc/\(core.processIdentifier)/limits", encoding: .utf8)
                let line = try #require(limits.split(separator: "\n").first { $0.hasPrefix("Max open files") })
                let soft = line.split(separator: " ").compactMap { Int($0) }.first
                #expect(try #require(soft) > 300)
            }
        }

        @Test func oneAddressHasItsShareOnly() async throws {
            try await withCore("-Sn 1024", ["INVOK_CONNECTIONS_PER_ADDRESS": "20"]) { core in
                _ = try await isServed(core)
                let before = core.holdings
                var sockets = try (0..<300).map { _ in try HostileSocket(port: core.port, from: "127.0.0.2") }
                // The last of them still holds its place, so the server has seen those before it.
                try await eventually("the first has made room") { sockets[0].ends(within: 1) }
                #expect(try await isServed(core))
                // Those that made room are closed when the loop comes by.
                try await eventually("no more than its share is open") {
                    core.holdings.descriptors <= before.descriptors + 25
                }
                sockets.removeAll()
                try await eventually("all are forgotten") { core.holdings.descriptors <= before.descriptors + 1 }
            }
        }

        @Test func manyAddressesLeaveDescriptorsForTheRest() async throws {
            try await withCore("-n 600") { core in
                let user = try await ServerClient.register(at: core.url)
                let sockets = try (0..<900).map { number in
                    try HostileSocket(port: core.port, from: "127.0.\(number / 200).\(number % 200 + 2)")
                }
                #expect(try await isServed(core))
                #expect(core.holdings.descriptors < 500)
                // Builds and instances have what they need.
                #expect(try await user.deploy("hello", source: ServerClient.hello).status == 200)
                #expect(try await user.call("GET", user.path("hello")).text == "hello")
                withExtendedLifetime(sockets) {}
            }
        }

        @Test func whoSaysNothingIsClosedSoon() async throws {
            try await withCore("-n 1024") { core in
                let socket = try HostileSocket(port: core.port)
                #expect(socket.ends(within: 15))
            }
        }

        /// A request and an upload without end, which would keep the server for as long as their clients like.
        @Test func theEndHasALimit() async throws {
            try await withFolder { folder in
                let core = try await CoreProcess.start(
                    dataDirectory: folder.path + "/data", port: 0, environment: ["INVOK_STOP_SECONDS": "1"])
                let user = try await ServerClient.register(at: core.url)
                let source = "import time\ndef handler(r):\n    print('asked', flush=True)\n    time.sleep(25)\n"
                #expect(try await user.deploy("hang", source: source).status == 200)
                let fields = "Host: localhost\r\nAuthorization: Bearer \(user.token ?? "")\r\n"
                let request = try HostileSocket(port: core.port)
                request.send("GET \(user.path("hang")) HTTP/1.1\r\n\(fields)\r\n")
                let upload = try HostileSocket(port: core.port)
                upload.send(
                    "POST /invok/deploy HTTP/1.1\r\n\(fields)Content-Type: multipart/form-data; boundary=b\r\n"
                        + "Content-Length: 50000000\r\n\r\n--b\r\n")
                try await eventually("the request is there") {
                    try await user.call("GET", "/api/v1/functions/\(user.namespace)/hang/logs").text.contains("asked")
                }
                let begun = ContinuousClock.now
                #expect(await core.end(with: SIGTERM) == 0)
                #expect(ContinuousClock.now - begun < .seconds(15))
                let files = try FileManager.default.contentsOfDirectory(atPath: folder.path + "/data/run")
                #expect(Set(files).isSubset(of: ["etc", "etc-network"]), "every instance is stopped: \(files)")
            }
        }
    }
#endif
