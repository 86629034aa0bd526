import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

/// The metrics of a real server, as a real Prometheus takes them.
@Suite(.timeLimit(.minutes(3)))
struct MetricsScrapeTests {
    /// Where the server says that its metrics are; `nil` where it says nothing of them.
    private func address(_ core: CoreProcess) -> String? {
        let line = core.errors.split(separator: "\n").first { $0.contains("metrics are served") }
        return line?.firstMatch(of: /address=(\S+)/).map { String($0.output.1) }
    }

    private func get(_ url: String) async throws -> (status: Int, body: String) {
        let answer = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(10))
        let body = try await answer.body.collect(upTo: 16 << 20)
        return (Int(answer.status.code), String(buffer: body))
    }

    /// What Prometheus says of a query; an empty text while it says nothing.
    private func value(of query: String, at prometheus: String) async throws -> String {
        let escaped = query.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
        let text = try await get("\(prometheus)/api/v1/query?query=\(escaped)").body
        return text.firstMatch(of: /"value":\[[^,]+,"([^"]+)"\]/).map { String($0.output.1) } ?? ""
    }

    private func freePort() async throws -> Int {
        try await ByteServer.run { _ in
        } body: {
            $0
        }
    }

    @Test func prometheusTakesThem() async throws {
        try await withFolder { folder in
            let core = try await CoreProcess.start(
                dataDirectory: folder.path + "/data", port: 0, environment: ["LOG_LEVEL": "info"])
            // Its log may come a little behind the word that it listens.
            try await eventually("it says where") { address(core) != nil }
            let target = try #require(address(core))
            let user = try await ServerClient.register(at: core.url)
            let source = "def handler(request):\n    return 'hi'\n"
            #expect(try await user.deploy("hello", source: source, settings: [#""access":"public""#]).status == 200)
            for _ in 0..<5 { #expect(try await get(core.url + user.path("hello")).body == "hi") }

            let port = try await freePort()
            let prometheus = "http://127.0.0.1:\(port)"
            let configuration = folder.appending(path: "prometheus.yml")
            try Data(
                """
                scrape_configs:
                  - job_name: invok
                    scrape_interval: 1s
                    static_configs:
                      - targets: ['\(target)']

                """.utf8
            ).write(to: configuration)
            let process = Process()
            process.executableURL = URL(filePath: try InstalledTool.path(of: "prometheus"))
            process.arguments = [
                "--config.file=\(configuration.path)", "--storage.tsdb.path=\(folder.path)/series",
                "--web.listen-address=127.0.0.1:\(port)",
            ]
            (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
            let ended = ProcessEnd(of: process)
            try process.run()
            let found: Result<Void, any Error>
            do {
                try await eventually("Prometheus has the calls", within: .seconds(60)) {
                    let calls = #"invok_function_calls_total{function="hello",status="2xx"}"#
                    return (try? await value(of: calls, at: prometheus)) == "5"
                }
                #expect(try await value(of: #"up{job="invok"}"#, at: prometheus) == "1")
                let median = "histogram_quantile(0.5, invok_function_duration_seconds_bucket)"
                let seconds = try #require(Double(try await value(of: median, at: prometheus)))
                #expect(seconds > 0 && seconds < 1)
                let bytes = try await value(of: "process_resident_memory_bytes", at: prometheus)
                #expect(try #require(Double(bytes)) > 1_000_000)
                found = .success(())
            } catch {
                found = .failure(error)
            }
            process.terminate()
            await ended.wait()
            try found.get()
            #expect(await core.end(with: SIGTERM) == 0)
        }
    }

    @Test func anEmptyAddressIsNone() async throws {
        try await withFolder { folder in
            let core = try await CoreProcess.start(
                dataDirectory: folder.path + "/data", port: 0,
                environment: ["LOG_LEVEL": "info", "INVOK_METRICS_ADDRESS": ""])
            #expect(try await get(core.url + "/metrics").status == 404)
            #expect(await core.end(with: SIGTERM) == 0)
            // By now all is there that it had to say.
            #expect(address(core) == nil && core.errors.contains("GET"), "\(core.errors)")
        }
    }
}
