import Foundation
import TestSupport
import Testing

#if os(Linux)
    /// How often the server allocates memory for a warm call, against the file Tests/Allocations/thresholds.
    @Suite(.timeLimit(.minutes(3)))
    struct AllocationTests {
        private static let folder = Products.package.appending(path: "Tests/Allocations")
        private static let calls = 1000

        /// The lines of the file, `NAME NUMBER`.
        private static func thresholds() throws -> [String: Int] {
            let text = try String(contentsOf: folder.appending(path: "thresholds"), encoding: .utf8)
            return try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.reduce(into: [:]) { lines, line in
                let words = line.split(separator: " ")
                try #require(words.count == 2, "\(line)")
                let number: Int = try #require(Int(words[1]), "\(line)")
                lines[String(words[0])] = number
            }
        }

        private func compile(_ source: URL, to library: String) async throws {
            let process = Process()
            process.executableURL = URL(filePath: try InstalledTool.path(of: "clang"))
            process.arguments = ["-shared", "-fPIC", "-O2", "-o", library, source.path]
            let ended = ProcessEnd(of: process)
            try process.run()
            await ended.wait()
            try #require(process.terminationStatus == 0)
        }

        @Test func warmCallsAllocateNoMoreThanTheyMay() async throws {
            try await withFolder { folder in
                let (library, counter) = (folder.path + "/counter.so", folder.path + "/counter")
                try await compile(Self.folder.appending(path: "counter.c"), to: library)
                let core = try await CoreProcess.start(
                    dataDirectory: folder.path + "/data", port: 0,
                    environment: ["LD_PRELOAD": library, "ALLOCATIONS": counter])
                let user = try await ServerClient.register(at: core.url)
                let (private_, public_) = ("closed", "open")
                for name in [private_, public_] {
                    let source = "def handler(request):\n    return str(len(request.body))\n"
                    let access = name == public_ ? #""access":"public""# : #""access":"private""#
                    let limits = #""limits":{"ratePerCaller":0}"#
                    #expect(try await user.deploy(name, source: source, settings: [access, limits]).status == 200)
                }
                let count = {
                    try Data(contentsOf: URL(filePath: counter)).withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
                }
                let token = "Authorization: Bearer \(try #require(user.token))\r\n"
                let body = String(repeating: "x", count: 1024)
                let requests = [
                    ("get", "GET \(user.path(public_)) HTTP/1.1\r\nHost: localhost\r\n\r\n"),
                    ("get-private", "GET \(user.path(private_)) HTTP/1.1\r\nHost: localhost\r\n\(token)\r\n"),
                    (
                        "post",
                        "POST \(user.path(public_)) HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1024\r\n\r\n\(body)"
                    ),
                ]
                let thresholds = try Self.thresholds()
                #expect(Set(thresholds.keys) == Set(requests.map(\.0)))
                for (name, request) in requests {
                    let connection = try await ByteConnection.connect(port: core.port)
                    let length = name == "post" ? 4 : 1
                    let call = {
                        try await connection.write(request)
                        let head = try #require(try await connection.text(through: "\r\n\r\n"))
                        #expect(head.hasPrefix("HTTP/1.1 200 "), "\(head)")
                        #expect(try await connection.bytes(length) != nil)
                    }
                    for _ in 0..<100 { try await call() }
                    let before = try count()
                    for _ in 0..<Self.calls { try await call() }
                    let each = Double(try count() - before) / Double(Self.calls)
                    print("allocations name=\(name) each=\(each)")
                    let limit = Double(try #require(thresholds[name]))
                    #expect(each <= limit, "\(name): \(each) for each call")
                    // A count that is none would pass.
                    #expect(each > 1)
                }
                #expect(await core.end(with: SIGTERM) == 0)
            }
        }
    }
#endif
