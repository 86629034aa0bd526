import Testing

@testable import Invok
@testable import InvokAPI

struct MetricsPageTests {
    /// What a server has of so many functions, each of which was called in all ways.
    private func metrics(functions: Int) throws -> SystemMetrics {
        let meter = CallMeter(began: Timestamp(millisecondsSinceEpoch: 0))
        var loads: [FunctionKey: FunctionLoad] = [:]
        var random: UInt64 = 7
        func next(_ limit: UInt64) -> Int {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((random >> 33) % limit)
        }
        for number in 0..<functions {
            // Ten of each user.
            let user = UInt64(number / 10 + 1)
            let namespace = UUIDValue(high: user &* 0x9E37_79B9_7F4A_7C15, low: user &* 0xC2B2_AE3D_27D4_EB4F)
            let key = FunctionKey(namespace: namespace, name: try FunctionName("function-\(number)"))
            loads[key] = FunctionLoad(instances: 1 + next(9), requests: next(50))
            for _ in 0..<(40 + next(100)) {
                let status = [200, 200, 200, 204, 302, 404, 500, 502][next(8)]
                meter.tasks.record(
                    CallRecord(
                        status: status, failure: status == 502 ? CallFailure.allCases[next(7)] : nil,
                        duration: .microseconds(50 << next(20)), requestBytes: next(90_000),
                        answerBytes: next(900_000), wait: next(4) == 0 ? .milliseconds(1 << next(12)) : nil),
                    of: key)
            }
            meter.onStart(of: key, after: .milliseconds(20), isReady: next(5) > 0)
        }
        let parts = ["builds", "cache", "engine", "store"].map { ($0, PartCounts()) }
        return SystemMetrics(
            calls: meter.current, loads: loads,
            fleet: FleetUse(
                total: Resources(instances: 1000, memoryMB: 4000), used: Resources(instances: 7, memoryMB: 896),
                startsWaiting: 1, callsWaiting: 2),
            builds: BuildUse(running: 1, waiting: 0), parts: parts,
            readiness: Readiness(parts: ["store": nil, "cache": "gone"], knowsFunctions: true))
    }

    private func pieces(_ metrics: SystemMetrics, _ format: MetricsText.Format = .prometheus) async throws -> [[UInt8]]
    {
        var pieces: [[UInt8]] = []
        var page = MetricsPage(metrics, nil, format) { pieces.append($0) }
        try await page.write()
        return pieces
    }

    @Test func aThousandFunctionsFit() async throws {
        let pieces = try await pieces(try metrics(functions: 1000))
        let plain = pieces.reduce(0) { $0 + $1.count }
        let gzip = try GzipStream()
        var compressed = pieces.reduce(0) { $0 + gzip.compress($1).count }
        compressed += gzip.compress([], isLast: true).count
        print("metrics functions=1000 plain=\(plain) gzip=\(compressed)")
        #expect(plain <= 5_000_000 && compressed <= 500_000, "\(plain) bytes, by gzip \(compressed)")
        #expect(plain > 1_000_000)
        for piece in pieces {
            #expect(piece.count <= MetricsText.pieceBytes + 8192)
            #expect(piece.last == UInt8(ascii: "\n"))
        }
    }

    @Test func eachFamilyIsThereOnceAndTogether() async throws {
        let text = String(decoding: try await pieces(try metrics(functions: 30)).joined(), as: UTF8.self)
        var (families, current) = (Set<String>(), "")
        for line in text.split(separator: "\n") {
            if line.hasPrefix("# HELP ") {
                current = String(line.split(separator: " ")[2])
                #expect(families.insert(current).inserted, "\(current)")
            } else if !line.hasPrefix("#") {
                #expect(line.hasPrefix(current), "\(line)")
            }
        }
        #expect(families.count >= 25)
        let samples = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
            .map { $0.prefix { $0 != " " } }
        #expect(Set(samples).count == samples.count)
        #expect(text.contains(#"invok_part_up{part="cache"} 0"#) && text.contains(#"invok_part_up{part="store"} 1"#))
    }

    @Test func theCountsAreThoseOfTheLedger() async throws {
        let metrics = try metrics(functions: 3)
        let text = String(decoding: try await pieces(metrics).joined(), as: UTF8.self)
        for (key, totals) in metrics.calls.functions {
            let labels = #"namespace="\#(key.namespace)",function="\#(key.name)""#
            #expect(text.contains("invok_function_duration_seconds_count{\(labels)} \(totals.calls.calls)\n"))
            #expect(text.contains(#"invok_function_calls_total{\#(labels),status="2xx"} \#(totals.calls.statuses[2])"#))
            #expect(text.contains("invok_function_response_bytes_total{\(labels)} \(totals.calls.answerBytes)\n"))
        }
    }
}
