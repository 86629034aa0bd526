import Invok
import InvokSim

/// One run of the whole control plane from one seed: cores on shared state, users who work with them, faults, and
/// checkers that watch. What it does is a function of its configuration.
public struct SystemSimulation: Sendable {
    public struct Configuration: Hashable, Sendable {
        public var seed: UInt64
        public var cores = 2
        public var users = 4
        /// Functions of all users together; two users may have one of the same name.
        public var functions = 8
        /// How long, in virtual time, users work and faults come.
        public var duration = Duration.seconds(120)
        public var faults = Set(SimFault.allCases)
        /// What tenants may do to others.
        public var mischief = Set(SimMischief.allCases)
        /// Whether requests go over a simulated network, as bytes, between HTTP's own machines and their drivers.
        public var onBytes = false
        /// Jobs to run at most.
        public var stepLimit = Int.max

        public init(seed: UInt64) { self.seed = seed }
    }

    public struct Report: Hashable, Sendable {
        public var seed: UInt64
        /// What went wrong, in order; empty when all held.
        public var violations: [String]
        /// Over every choice of the scheduler and every effect.
        public var hash: UInt64
        public var steps: Int
        public var effects: Int
        public var requests: Int
        public var virtualTime: Duration
        /// How often the run came by places worth coming by, and drew each fault (as `fault call`).
        public var marks: [String: Int]
        /// The last events, the oldest first.
        public var trace: [String]
    }

    /// Once faults have stopped, in virtual time: what they did is mended, users see no error, the last are answered,
    /// nothing half-done is left, nothing runs idle.
    static let recoveryTime = Duration.seconds(120)
    static let calmTime = Duration.seconds(60)
    static let answerLimit = Duration.seconds(180)
    static let convergenceTime = Duration.seconds(240)
    /// The loss of an instance that kept failing is seen by the next reconciling and mended after the longest backoff.
    static let idleTime = Duration.seconds(90)
    /// Functions that a user may have, or more if users who mean well have more.
    static let functionQuota = 12
    /// More than any number of users ever does at one time.
    static let stepsWithoutTime = 1_000_000

    private let configuration: Configuration
    private let cluster: SimCluster
    private let clients: [SimClient]
    private let offenders: [SimOffender]

    private init(_ configuration: Configuration, _ makeServer: @escaping SimServerMaker) {
        self.configuration = configuration
        // What comes over connections comes where there are any.
        let kinds = configuration.onBytes ? configuration.faults : configuration.faults.subtracting(SimFault.ofNetwork)
        let faults = SimFaultPlan(seed: configuration.seed, faults: kinds)
        let mischief = SimMischief.draw(seed: configuration.seed, from: configuration.mischief)
        let cluster = SimCluster(
            seed: configuration.seed, cores: configuration.cores, faults: faults,
            functionQuota: max(Self.functionQuota, configuration.functions / configuration.users + 1),
            functions: configuration.functions, offenders: mischief.count,
            onBytes: configuration.onBytes, makeServer: makeServer)
        self.cluster = cluster
        let (users, functions) = (configuration.users, configuration.functions)
        offenders = mischief.map { SimOffender($0, cluster: cluster) }
        // The load stays much the same, however many functions there are.
        let slowness = max(1, functions / 5)
        clients = (0..<users).map { user in
            // Round about: the first function of everybody has the same name.
            let own = stride(from: user, to: functions, by: users).map { 1 + $0 / users }
            return SimClient(number: user + 1, functions: own, slowness: slowness, cluster: cluster)
        }
    }

    /// Runs on this thread until the end, or until the first step after which something does not hold.
    /// - Parameters:
    ///   - isAlone: whether nothing else runs in this process, so that a job from any other thread is one that the seed
    ///     does not explain.
    ///   - makeServer: the way in to a core for its users.
    @available(macOS 26.4, *)
    public static func run(
        _ configuration: Configuration, isAlone: Bool = false, makeServer: @escaping SimServerMaker
    ) -> Report {
        let simulation = SystemSimulation(configuration, makeServer)
        let scheduler = SimScheduler(seed: configuration.seed)
        let cluster = simulation.cluster
        var stepsWhenTimeMoved = 0
        let end = scheduler.run(
            stepLimit: configuration.stepLimit,
            isOver: {
                if scheduler.steps - stepsWhenTimeMoved > Self.stepsWithoutTime {
                    cluster.checker.violation("\(Self.stepsWithoutTime) steps took no time: something goes round")
                }
                return !cluster.checker.holds
            },
            onIdle: {
                stepsWhenTimeMoved = scheduler.steps
                return cluster.clock.advanceToNextTimer()
            },
            root: { await simulation.play() })
        if end == .deadlock {
            cluster.checker.violation("deadlock: nothing is ready and no timer is set; \(simulation.waits)")
        }
        if scheduler.foreignJobs > 0 { cluster.checker.violation("\(scheduler.foreignJobs) waits for a real clock") }
        if isAlone, scheduler.strays.any > 0 {
            cluster.checker.violation("\(scheduler.strays.any) jobs came from other threads")
        }
        simulation.checkHistory()
        return simulation.report(scheduler)
    }

    private func report(_ scheduler: SimScheduler) -> Report {
        var hash = scheduler.hash
        hash.add(cluster.effects.traceHash)
        return Report(
            seed: configuration.seed, violations: cluster.checker.violations, hash: hash.value, steps: scheduler.steps,
            effects: cluster.effects.total, requests: cluster.requestCount,
            virtualTime: .nanoseconds(cluster.clock.now().nanoseconds),
            marks: cluster.checker.marks.merging(cluster.faults.drawn) { $0 + $1 }, trace: cluster.effects.trace)
    }

    // MARK: The play

    private func play() async {
        for node in cluster.nodes { await node.boot() }
        for client in clients { Task { await client.run() } }
        for offender in offenders { Task { await offender.run() } }
        let disturbance = Task { await SimDisturbance(cluster: cluster).run() }
        await cluster.sleep(configuration.duration)
        cluster.stopFaults(recoveringFor: Self.recoveryTime)
        await disturbance.value
        // Users work on: from the end of the recovery on, they see no error that only a fault explains.
        await cluster.sleep(Self.recoveryTime + Self.calmTime)
        cluster.stopUsers()
        guard await everyoneIsAnswered() else { return }
        await cluster.sleep(Self.convergenceTime)
        let convergence = SimConvergence(cluster: cluster, properties: clients.compactMap(\.property))
        convergence.checkState()
        await convergence.checkAnswers()
        await cluster.sleep(Self.idleTime)
        await convergence.checkIdle()
        convergence.checkCounts()
        convergence.checkCollected()
        await convergence.loseInstances()
        await cluster.sleep(Self.idleTime)
        await convergence.checkIdle()
        // Cores that start once more make of what they find what the others had made, before anybody asks for anything.
        await convergence.restart()
        await cluster.sleep(Self.idleTime)
        await convergence.checkIdle()
        await convergence.checkAnswers()
        await convergence.restartDuringChanges()
        await convergence.disableUser()
        await convergence.deleteAll()
        convergence.checkCounts()
        await cluster.bytes?.end()
    }

    /// Who waits for what.
    private var waits: String {
        let reasons = cluster.waits.reasons
        return reasons.isEmpty ? "nobody waits" : "waiting: \(reasons.prefix(20).joined(separator: "; "))"
    }

    /// Each function in the store went from state to state as one call after the other makes it.
    private func checkHistory() {
        let (violations, undecided) = cluster.history.check()
        for violation in violations { cluster.checker.violation(violation) }
        if undecided > 0 { cluster.checker.mark("history undecided") }
    }

    private func everyoneIsAnswered() async -> Bool {
        let limit = cluster.clock.now().advanced(by: Self.answerLimit)
        while !(clients.allSatisfy(\.isIdle) && offenders.allSatisfy(\.isIdle)) {
            guard cluster.clock.now() < limit else {
                cluster.checker.violation(
                    "users still wait for an answer \(Self.answerLimit) after the last request; \(waits)")
                return false
            }
            await cluster.sleep(.milliseconds(500))
        }
        return true
    }
}
