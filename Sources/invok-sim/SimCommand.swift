import ArgumentParser
import InvokSim
import InvokSimulation

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Runs the control plane in the simulation, one seed after the other, and stops at the first that fails.
@main
struct SimCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invok-sim",
        abstract: "Run the whole control plane from a seed, with virtual time, faults and checkers.",
        discussion: """
            The same seed and options give the same run. Faults: \(names(of: SimFault.self)).
            Mischief: \(names(of: SimMischief.self)).
            """)

    @Option(help: "The seed to run.") var seed: UInt64?
    @Option(help: "Seeds to run, as A..B, both included.", transform: parseSeeds) var seeds: ClosedRange<UInt64>?
    @Option(help: "Virtual minutes in which users work and faults come.") var minutes: Double = 2
    @Option(help: "Cores on shared state.") var cores = 2
    @Option(help: "Users.") var users = 4
    @Option(help: "Functions of all users together.") var functions = 8
    @Option(
        help: "Faults that may come: a comma-separated list, 'all' or 'none' (default: all).",
        transform: parseFaults)
    var faults = Set(SimFault.allCases)
    @Option(
        help: "What tenants may do to others: a comma-separated list, 'all' or 'none' (default: what harms nobody).",
        transform: parseMischief)
    var mischief = Set(SimMischief.allCases)
    @Flag(help: "Send requests as bytes, over a simulated network.") var bytes = false
    @Option(help: "Seeds to run at a time; the number of processors unless told.") var jobs: Int?
    @Option(help: "Stop after so many steps of the scheduler.") var untilStep: Int?
    @Flag(help: "Print the last events of each run, and what it came by.") var trace = false
    @Flag(help: "Run each seed twice and compare.") var checkDeterminism = false
    @Flag(help: "Look for the smallest configuration that still fails.") var shrink = false

    func validate() throws {
        guard seed == nil || seeds == nil else { throw ValidationError("give --seed or --seeds, not both") }
        guard minutes > 0, minutes <= 100_000 else {
            throw ValidationError("--minutes is \(minutes); it must be above 0 and at most 100000")
        }
        try Self.require(cores, "--cores", atMost: 16)
        try Self.require(users, "--users", atMost: 10_000)
        try Self.require(functions, "--functions", atMost: 10_000)
        if let jobs { try Self.require(jobs, "--jobs", atMost: 1024) }
        if let untilStep { try Self.require(untilStep, "--until-step", atMost: .max) }
    }

    private static func require(_ value: Int, _ name: String, atMost limit: Int) throws {
        guard value < 1 || value > limit else { return }
        let upper = limit == .max ? "" : " and at most \(limit)"
        throw ValidationError("\(name) is \(value); it must be at least 1\(upper)")
    }

    func run() async throws {
        guard #available(macOS 26.4, *) else { throw ValidationError("needs macOS 26.4 or Linux") }
        let range = seeds ?? (seed ?? 1)...(seed ?? 1)
        var totals = Totals()
        let count = range.count == 1 ? 1 : jobs ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        let twice = checkDeterminism
        let configurations = range.lazy.map { configuration($0) }
        try await SimPool.run(configurations, at: count) { configuration in
            let isAlone = count == 1
            return (Self.simulate(configuration, isAlone), twice ? Self.simulate(configuration, isAlone) : nil)
        } read: { configuration, reports in
            let (report, again) = reports
            totals.add(report)
            if trace { printTrace(of: report) }
            if let again { try compare(report, with: again) }
            guard report.violations.isEmpty else { throw fail(configuration, report) }
            progress("seed \(configuration.seed): \(totals.line)")
        }
        progress("")
        print("\(range.count == 1 ? "1 seed" : "\(range.count) seeds"), no violation: \(totals.line)")
        if range.count == 1 { print("trace \(totals.hash)") } else { print("all traces \(totals.hash)") }
    }

    // MARK: Runs

    private func configuration(_ seed: UInt64) -> SystemSimulation.Configuration {
        var configuration = SystemSimulation.Configuration(seed: seed)
        configuration.cores = cores
        configuration.users = users
        configuration.functions = functions
        configuration.duration = .milliseconds(Int((minutes * 60_000).rounded()))
        configuration.faults = faults
        configuration.mischief = mischief
        configuration.onBytes = bytes
        configuration.stepLimit = untilStep ?? .max
        return configuration
    }

    @available(macOS 26.4, *)
    private static func simulate(
        _ configuration: SystemSimulation.Configuration, _ isAlone: Bool
    ) -> SystemSimulation.Report {
        SystemSimulation.run(configuration, isAlone: isAlone) { SimHTTPServer($0) }
    }

    private func compare(_ first: SystemSimulation.Report, with second: SystemSimulation.Report) throws {
        guard first != second else { return }
        print("seed \(first.seed) gave two traces: \(hex(first.hash)) and \(hex(second.hash))")
        print("steps \(first.steps) and \(second.steps), effects \(first.effects) and \(second.effects)")
        if let index = zip(first.trace, second.trace).enumerated().first(where: { $1.0 != $1.1 })?.offset {
            print("the first difference among the last events:\n  \(first.trace[index])\n  \(second.trace[index])")
        }
        throw ExitCode(2)
    }

    // MARK: Failures

    @available(macOS 26.4, *)
    private func fail(
        _ configuration: SystemSimulation.Configuration, _ report: SystemSimulation.Report
    ) -> any Error {
        progress("")
        print("seed \(configuration.seed) failed at commit \(commit):")
        printViolations(of: report)
        var (smallest, last) = (configuration, report)
        if shrink {
            smallest = SimShrinker.shrink(configuration) { candidate in
                progress("shrinking: \(command(candidate))")
                let report = Self.simulate(candidate, false)
                if !report.violations.isEmpty { last = report }
                return !report.violations.isEmpty
            }
            progress("")
            print("the smallest run found that fails:")
            printViolations(of: last)
        }
        print("the last events (microseconds, core, effect, !fault):")
        for event in last.trace.suffix(25) { print("  \(event)") }
        print("replay: \(command(smallest))")
        return ExitCode.failure
    }

    private func printTrace(of report: SystemSimulation.Report) {
        report.trace.forEach { print($0) }
        print("what it came by, and how often:")
        for (mark, count) in report.marks.sorted(by: { $0.key < $1.key }) { print("  \(count) × \(mark)") }
    }

    private func printViolations(of report: SystemSimulation.Report) {
        for violation in report.violations.prefix(10) { print("  \(violation)") }
    }

    /// What, pasted where this was called, runs the same again.
    private func command(_ configuration: SystemSimulation.Configuration) -> String {
        let (faults, mischief) = (list(configuration.faults), list(configuration.mischief))
        let minutes = configuration.duration / .seconds(60)
        let network = configuration.onBytes ? " --bytes" : ""
        let limit = configuration.stepLimit == .max ? "" : " --until-step \(configuration.stepLimit)"
        return "\(CommandLine.arguments[0]) --seed \(configuration.seed) --minutes \(minutes)"
            + " --cores \(configuration.cores) --users \(configuration.users)"
            + " --functions \(configuration.functions) --faults \(faults) --mischief \(mischief)\(network)\(limit)"
    }

    private var commit: String { getenv("INVOK_COMMIT").map { String(cString: $0) } ?? "unknown" }

    /// One line that is written over, on a terminal only.
    private func progress(_ line: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        let text = "\r\u{1B}[K\(line)"
        _ = text.withCString { write(STDERR_FILENO, $0, text.utf8.count) }
    }
}

private struct Totals {
    private var steps = 0
    private var requests = 0
    private var virtualSeconds: Int64 = 0
    private var all = TraceHash()

    mutating func add(_ report: SystemSimulation.Report) {
        steps += report.steps
        requests += report.requests
        virtualSeconds += report.virtualTime.components.seconds
        all.add(report.hash)
    }

    var line: String { "\(requests) requests, \(steps) steps, \(virtualSeconds / 60) virtual minutes" }
    var hash: String { hex(all.value) }
}

private func hex(_ value: UInt64) -> String { String(value, radix: 16) }

/// - Parameter argument: `A..B`.
private func parseSeeds(_ argument: String) throws -> ClosedRange<UInt64> {
    guard let dots = argument.firstRange(of: ".."), let first = UInt64(argument[..<dots.lowerBound]),
        let last = UInt64(argument[dots.upperBound...]), first <= last
    else { throw ValidationError("two numbers are needed, the smaller one first, as in 1..100") }
    return first...last
}

/// What can be chosen of one kind: faults, or mischief.
private typealias Choice = CaseIterable & Hashable & Comparable & RawRepresentable<String>

private func names<Item: Choice>(of kind: Item.Type) -> String {
    Item.allCases.map(\.rawValue).joined(separator: ", ")
}

private func parseFaults(_ argument: String) throws -> Set<SimFault> { try parse(argument, "fault") }

private func parseMischief(_ argument: String) throws -> Set<SimMischief> { try parse(argument, "mischief") }

private func parse<Item: Choice>(_ argument: String, _ what: String) throws -> Set<Item> {
    switch argument {
    case "all": return Set(Item.allCases)
    case "none": return []
    default:
        return try Set(
            argument.split(separator: ",").map { name in
                guard let item = Item(rawValue: String(name)) else {
                    throw ValidationError("there is no \(what) '\(name)'; there are \(names(of: Item.self))")
                }
                return item
            })
    }
}

/// As it is given.
private func list<Item: Choice>(_ items: Set<Item>) -> String {
    if items.isEmpty { return "none" }
    return items.count == Item.allCases.count ? "all" : items.sorted().map(\.rawValue).joined(separator: ",")
}
