import ArgumentParser
import InvokModel

struct StatsCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "stats", abstract: "Show how a function was called, and how fast it answered.",
        discussion: """
            Examples: invok stats -n hello
                      invok stats -n hello --since 24h
            The figures are those of the server that answers, since it started, for a day at most.
            """)

    /// Lines that fit a screen.
    private static let points = 12

    @OptionGroup var function: FunctionOptions

    @Option(
        help: ArgumentHelp(
            "Calls from then on: 10m, 2h, 1d, or a time like 2026-11-22T14:00:00Z.", valueName: "time"))
    var since = "1h"

    @OptionGroup var options: CommonOptions

    func validate() throws {
        if SinceTime(since) == nil {
            throw ValidationError("--since is '\(since)', but must be like 10m, 2h, 1d or 2026-11-22T14:00:00Z.")
        }
    }

    func run(in context: Context) async throws -> ExitStatus {
        let name = try function.functionName(in: context)
        let query = [
            ("since", SinceTime(since)?.text(now: WallClock.now())),
            ("points", context.console.isJSON ? nil : "\(Self.points)"),
        ]
        let stats = try await context.withAccount { account in
            let client = account.client
            let namespace = try await account.namespace(function.namespace)
            return try await account.about(name, namespace: namespace) {
                try await client.call(
                    client.request(.GET, "/api/v1/functions/\(namespace)/\(name)/stats", query: query),
                    as: StatsMessage.self)
            }
        }
        if context.console.isJSON {
            try context.console.json(stats)
            return .success
        }
        guard stats.total.calls > 0 else {
            context.console.note("'\(name)' was not called on this server since \(Self.short(stats.since)).")
            return .success
        }
        var table = Table("SINCE", "CALLS", "ERRORS", "P50", "P95", "P99", "COLD STARTS", "INSTANCES")
        for point in stats.points { Self.add(point.figures, from: point.time, to: &table) }
        Self.add(stats.total, from: "all", to: &table)
        context.console.result(table)
        return .success
    }

    private static func add(_ figures: StatsMessage.Figures, from time: String, to table: inout Table) {
        table.add(
            short(time), "\(figures.calls)", errors(figures), duration(figures.p50), duration(figures.p95),
            duration(figures.p99), "\(figures.coldStarts)", "\(figures.instances)")
    }

    /// To the minute: `2026-11-22T14:03Z`.
    private static func short(_ time: String) -> String {
        time.count > 16 && time.hasSuffix("Z") ? time.prefix(16) + "Z" : time
    }

    static func errors(_ figures: StatsMessage.Figures) -> String {
        guard figures.errors > 0, figures.calls > 0 else { return "0" }
        let tenths = (figures.errors * 1000 + figures.calls / 2) / figures.calls
        return "\(figures.errors) (\(tenths / 10).\(tenths % 10) %)"
    }

    /// Three digits, in the unit that fits.
    static func duration(_ milliseconds: Double?) -> String {
        guard let milliseconds else { return "-" }
        let (value, unit) = milliseconds < 1000 ? (milliseconds, "ms") : (milliseconds / 1000, "s")
        let digits = value < 10 ? 100.0 : value < 100 ? 10 : 1
        let rounded = (value * digits).rounded() / digits
        return digits == 1 ? "\(Int(rounded)) \(unit)" : "\(rounded) \(unit)"
    }
}
