import HTTPTypes
import Invok
import InvokSim
import Logging
import Synchronization
import TestSupport
import Testing

@testable import InvokSimulation

/// The real routes and the invoke path under the simulation's scheduler.
struct SimHTTPServerTests {
    private struct Run: Hashable, Sendable {
        var end: SimScheduler.End
        /// Each answer's status, identifying fields and body.
        var answers: [String]
        var hash: UInt64
        var foreignJobs: Int
    }

    private final class Transcript: ResponseSink {
        private let state = Mutex<(head: HTTPResponse?, text: String)>((nil, ""))

        var head: HTTPResponse? { state.withLock { $0.head } }
        var text: String { state.withLock { $0.text } }

        func writeHead(_ head: HTTPResponse) async throws { state.withLock { $0.head = head } }
        func writeChunk(_ bytes: [UInt8]) async throws {
            state.withLock { $0.text += String(decoding: bytes, as: UTF8.self) }
        }
        func finish(trailers: HTTPFields?) async throws {}

        /// All of it, in the order in which it was sent.
        var line: String {
            let fields = (head?.headerFields ?? [:]).map { "\($0.name): \($0.value)" }.joined(separator: ", ")
            return "\(head?.status.code ?? 0) [\(fields)] \(text)"
        }
    }

    /// A core, and one client of it.
    private struct Site: Sendable {
        let sim: SimWorld
        let core = SimCore(name: "core")
        let system: InvokSystem
        let server: SimHTTPServer
        let transcript = Mutexed()

        final class Mutexed: Sendable { let lines = Mutex<[String]>([]) }

        init(seed: UInt64) {
            sim = SimWorld(seed: seed)
            system = InvokSystem(
                world: sim.world, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            server = SimHTTPServer(system)
        }

        @discardableResult
        func send(
            _ method: HTTPRequest.Method, _ path: String, token: String? = nil, type: String? = nil,
            _ body: [UInt8] = []
        ) async -> String {
            var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path)
            head.headerFields[.authorization] = token.map { "Bearer \($0)" }
            head.headerFields[.contentType] = type
            if !body.isEmpty { head.headerFields[.contentLength] = String(body.count) }
            let sink = Transcript()
            let end = await core.exchange(head, body: body, with: server, sink: sink)
            transcript.lines.withLock { $0.append("\(method) \(end) \(sink.line)") }
            return sink.text
        }

        func deploy(_ name: String, _ directive: String, token: String) async {
            var zip = ZipWriter()
            zip.add("config.json", content: Array(#"{"function_name":"\#(name)","runtime":"python"}"#.utf8))
            zip.add("function.py", content: Array("# sim: \(directive)\n".utf8))
            let head = "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\(name).zip\"\r\n\r\n"
            await send(
                .post, "/invok/deploy", token: token, type: "multipart/form-data; boundary=XX",
                Array(head.utf8) + zip.finish() + Array("\r\n--XX--\r\n".utf8))
        }
    }

    /// A user's visit: every kind of route, streams and hang-ups included.
    private static func visit(_ site: Site) async {
        let credentials = Array(#"{"email":"a@example.com","password":"correct horse"}"#.utf8)
        let session = await site.send(.post, "/auth/register", type: "application/json", credentials)
        let token = value("token", in: session)
        let namespace = value("uuid", in: session)
        await site.deploy("echo", "echo", token: token)
        await site.deploy("hang", "hang", token: token)
        await site.send(.get, "/invok/list", token: token)
        await site.send(.post, "/invok/\(namespace)/echo", token: token, [UInt8](repeating: 65, count: 50_000))
        await site.send(.get, "/invok/\(namespace)/echo")
        await site.send(.head, "/healthz")
        await site.send(.put, "/nothing/here", type: "text/plain", [UInt8](repeating: 66, count: 30_000))
        await site.send(.get, "/api/openapi.json")
        for path in ["/invok/\(namespace)/hang", "/invok/logs/\(namespace)/hang"] {
            let call = Task { await site.send(.get, path, token: token) }
            try? await site.sim.clock.sleep(until: site.sim.clock.now().advanced(by: .seconds(20)))
            call.cancel()
            _ = await call.value
        }
        try? await site.sim.clock.sleep(until: site.sim.clock.now().advanced(by: .seconds(1)))
        await site.send(.get, "/api/v1/status", token: token)
    }

    private static func value(_ field: String, in json: String) -> String {
        guard let start = json.firstRange(of: "\"\(field)\":\"") else { return "" }
        return String(json[start.upperBound...].prefix { $0 != "\"" })
    }

    @available(macOS 26.4, *)
    private static func run(seed: UInt64) async -> Run {
        await SimThread.run {
            let site = Site(seed: seed)
            let scheduler = SimScheduler(seed: seed)
            let end = scheduler.run(onIdle: { site.sim.clock.advanceToNextTimer() }) {
                site.core.start { await site.system.run() }
                await visit(site)
            }
            return Run(
                end: end, answers: site.transcript.lines.withLock { $0 }, hash: scheduler.hash.value,
                foreignJobs: scheduler.foreignJobs)
        }
    }

    @Test func theWholeServerRunsOnTheSimulatedExecutor() async throws {
        let run = await Self.run(seed: 1)
        #expect(run.end == .finished)
        #expect(run.foreignJobs == 0)
        let expected = [
            "POST whole 201", "POST whole 200", "POST whole 200", "GET whole 200", "POST whole 200", "GET whole 401",
            "HEAD whole 200", "PUT whole 404", "GET whole 200", "GET hungUp 0", "GET hungUp 200", "GET whole 200",
        ]
        #expect(run.answers.map { $0.split(separator: " ").prefix(3).joined(separator: " ") } == expected)
        #expect(run.answers[4].contains("x-echo-method"))
        #expect(run.answers[10].contains(": invok\n\n") && run.answers[10].contains(": keep-alive\n\n"))
        #expect(!run.answers[11].contains(#""requests":1"#), "who hangs up frees the place: \(run.answers[11])")
    }

    @Test func datesAndRequestNamesFollowFromTheSeed() async {
        for seed in 1...5 as ClosedRange<UInt64> {
            let (first, second) = (await Self.run(seed: seed), await Self.run(seed: seed))
            #expect(first == second)
            #expect(first.answers.allSatisfy { !$0.contains("X-Request-Id: ") || $0.contains("GMT") })
        }
        #expect(await Self.run(seed: 1).answers != (await Self.run(seed: 2).answers))
    }

    @Test func aCrashCutsOffEveryAnswer() async {
        let (end, answers) = await SimThread.run {
            let site = Site(seed: 1)
            let scheduler = SimScheduler(seed: 1)
            let end = scheduler.run(onIdle: { site.sim.clock.advanceToNextTimer() }) {
                site.core.start { await site.system.run() }
                async let visit: Void = Self.visit(site)
                try? await site.sim.clock.sleep(until: site.sim.clock.now().advanced(by: .seconds(10)))
                site.core.crash()
                await visit
            }
            return (end, site.transcript.lines.withLock { $0 })
        }
        #expect(end == .finished)
        #expect(answers.dropFirst(9).allSatisfy { $0.contains("cutOff 0") }, "\(answers)")
    }
}
