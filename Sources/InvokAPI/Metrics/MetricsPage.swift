import Invok
import InvokProxy

/// What `/metrics` shows, family by family, in pieces.
struct MetricsPage {
    /// The same for all durations, so that they can be set side by side; exact in `LatencyHistogram`.
    static let bounds =
        [
            1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000,
            60_000_000,
        ]
        .map(MetricsText.Bound.init(microseconds:))
    /// What waits, waits for a start.
    static let waitBounds = [100_000, 1_000_000, 5_000_000, 30_000_000].map(MetricsText.Bound.init(microseconds:))

    private let metrics: SystemMetrics
    private let process: ProcessUse?
    private let functions: [(labels: MetricsText.Labels, totals: CallLedger.Totals)]
    private var text: MetricsText
    private let pass: ([UInt8]) async throws -> Void

    /// - Parameter pass: takes each piece.
    init(
        _ metrics: SystemMetrics, _ process: ProcessUse?, _ format: MetricsText.Format,
        pass: @escaping ([UInt8]) async throws -> Void
    ) {
        self.metrics = metrics
        self.process = process
        self.pass = pass
        text = MetricsText(format)
        let others = metrics.calls.others
        functions =
            metrics.calls.functions.sorted { $0.key < $1.key }.map { (Self.labels($0.key), $0.value) }
            + (others.calls.calls == 0 && others.starts.begun == 0 ? [] : [(Self.labels("other", "other"), others)])
    }

    /// Writes all of it.
    mutating func write() async throws {
        text.family("invok_build_info", .gauge, "The server that runs.")
        text.sample(.init("version", InvokVersion.current), 1)
        try await writeCalls()
        try await writeInstances()
        writeParts()
        writeCapacity()
        writeProcess()
        text.end()
        try await pass(text.take())
    }

    // MARK: Calls

    private mutating func writeCalls() async throws {
        text.family(
            "invok_function_calls", .counter, "Calls that were let in to a function, by the status of the answer.")
        try await each { text, labels, totals in
            // The first two are seldom.
            for (hundreds, status) in Self.statuses where hundreds > 1 || totals.calls.statuses[hundreds] > 0 {
                text.sample(labels.with("status", status), totals.calls.statuses[hundreds])
            }
        }
        text.family(
            "invok_function_failures", .counter,
            "Calls whose clients did not get a function's answer, or not all of it.")
        try await each { text, labels, totals in
            // Most functions have none.
            for failure in CallFailure.allCases where totals.calls.count(of: failure) > 0 {
                text.sample(labels.with("reason", failure.label), totals.calls.count(of: failure))
            }
        }
        text.family(
            "invok_function_duration_seconds", .histogram, "From the head of a call to the end of its answer.")
        try await each { $0.sample($1, $2.calls.durations, Self.bounds) }
        text.family(
            "invok_function_wait_seconds", .histogram, "What calls waited for an instance that had no place at once.")
        try await each { text, labels, totals in
            if let waits = totals.calls.waits { text.sample(labels, waits, Self.waitBounds) }
        }
        text.family("invok_function_cold_starts", .counter, "Calls that waited for an instance to start.")
        try await each { $0.sample($1, $2.calls.coldStarts) }
        text.family("invok_function_request_bytes", .counter, "Bodies of requests, as passed on.")
        try await each { $0.sample($1, $2.calls.requestBytes) }
        text.family("invok_function_response_bytes", .counter, "Bodies of answers, as passed on.")
        try await each { $0.sample($1, $2.calls.answerBytes) }
        text.family("invok_stray_calls", .counter, "Requests for functions that were let in to none, by status.")
        for (hundreds, status) in Self.statuses {
            text.sample(.init("status", status), metrics.calls.strays.statuses[hundreds])
        }
    }

    private static let statuses = [
        (0, "none"), (1, "1xx"), (2, "2xx"), (3, "3xx"), (4, "4xx"), (5, "5xx"),
    ]

    // MARK: Instances

    private mutating func writeInstances() async throws {
        text.family("invok_function_starts", .counter, "Starts of instances.")
        try await each { text, labels, totals in
            text.sample(labels.with("result", "ready"), totals.starts.begun - totals.starts.failed)
            text.sample(labels.with("result", "failed"), totals.starts.failed)
        }
        text.family(
            "invok_instance_start_seconds", .histogram,
            "From when an instance was wanted until it answered, a build and its turn to start included.")
        text.sample(.none, metrics.calls.startDurations, Self.bounds)
        let loads = metrics.loads.sorted { $0.key < $1.key }
        text.family("invok_function_instances", .gauge, "Instances, those that start and stop included.")
        for (key, load) in loads {
            text.sample(Self.labels(key), load.instances)
            try await flush()
        }
        text.family("invok_function_calls_in_progress", .gauge, "Calls that are answered or wait.")
        for (key, load) in loads {
            text.sample(Self.labels(key), load.requests)
            try await flush()
        }
    }

    // MARK: The server

    private mutating func writeParts() {
        text.family("invok_part_calls", .counter, "Calls of what the server needs.")
        for part in metrics.parts { text.sample(.init("part", part.name), part.counts.calls) }
        text.family("invok_part_failures", .counter, "Calls in which a part failed, and did not just say no.")
        for part in metrics.parts { text.sample(.init("part", part.name), part.counts.failures) }
        text.family("invok_part_duration_seconds", .histogram, "How long calls of a part took.")
        for part in metrics.parts { text.sample(.init("part", part.name), part.counts.durations, Self.bounds) }
        text.family("invok_part_up", .gauge, "Whether a part serves.")
        for (name, failure) in metrics.readiness.parts.sorted(by: { $0.key < $1.key }) {
            text.sample(.init("part", name), failure == nil ? 1 : 0)
        }
    }

    private mutating func writeCapacity() {
        let fleet = metrics.fleet
        text.family("invok_capacity_instances", .gauge, "Instances that the server may have.")
        text.sample(.none, fleet.total.instances)
        text.family("invok_capacity_instances_used", .gauge, "Instances that it has.")
        text.sample(.none, fleet.used.instances)
        text.family("invok_capacity_memory_bytes", .gauge, "Memory that instances may take together.")
        text.sample(.none, fleet.total.memoryMB << 20)
        text.family("invok_capacity_memory_used_bytes", .gauge, "Memory that they may take by their limits.")
        text.sample(.none, fleet.used.memoryMB << 20)
        text.family("invok_starts_waiting", .gauge, "Instances that wait for their turn to start, or for room.")
        text.sample(.none, fleet.startsWaiting)
        text.family("invok_calls_waiting", .gauge, "Calls that wait for an instance.")
        text.sample(.none, fleet.callsWaiting)
        text.family("invok_builds_running", .gauge, "Deploys that have a place to build.")
        text.sample(.none, metrics.builds.running)
        text.family("invok_builds_waiting", .gauge, "Deploys that wait for one.")
        text.sample(.none, metrics.builds.waiting)
    }

    /// As every client library of Prometheus names it.
    private mutating func writeProcess() {
        guard let process else { return }
        text.family("process_cpu_seconds", .counter, "Processor time of the server, without its instances.")
        text.sample(.none, process.processorSeconds)
        text.family("process_resident_memory_bytes", .gauge, "Memory of the server, without its instances.")
        text.sample(.none, process.residentBytes)
        text.family("process_virtual_memory_bytes", .gauge, "Addresses that it has.")
        text.sample(.none, process.virtualBytes)
        text.family("process_open_fds", .gauge, "Descriptors that are open.")
        text.sample(.none, process.openDescriptors)
        text.family("process_max_fds", .gauge, "Descriptors that may be.")
        text.sample(.none, process.maximumDescriptors)
        text.family("process_start_time_seconds", .gauge, "When it started, in Unix time.")
        text.sample(.none, process.startedAt)
    }

    // MARK: Pieces

    private mutating func each(
        _ write: (inout MetricsText, MetricsText.Labels, CallLedger.Totals) -> Void
    ) async throws {
        for (labels, totals) in functions {
            write(&text, labels, totals)
            try await flush()
        }
    }

    private mutating func flush() async throws { if text.isPiece { try await pass(text.take()) } }

    private static func labels(_ key: FunctionKey) -> MetricsText.Labels {
        labels(key.namespace.description, key.name.description)
    }

    private static func labels(_ namespace: String, _ name: String) -> MetricsText.Labels {
        MetricsText.Labels("namespace", namespace).with("function", name)
    }
}
