import Invok
import Synchronization

/// What may go wrong in a simulated effect.
public enum SimFault: String, Hashable, Sendable, CaseIterable, Comparable {
    /// It fails at once and has done nothing.
    case refused
    /// It fails after a long time and has done nothing.
    case timedOut = "timed-out"
    /// It is done, but reported as failed.
    case appliedButFailed = "applied-but-failed"
    /// It takes long.
    case slow
    /// It is done at once, but its answer takes long.
    case slowAnswer = "slow-answer"
    /// A message does not arrive.
    case lostMessage = "lost-message"
    /// A message arrives late, after others.
    case delayedMessage = "delayed-message"
    /// A message arrives twice.
    case doubledMessage = "doubled-message"
    /// A write breaks off in the middle and leaves a part.
    case tornWrite = "torn-write"
    /// A core ends at any await and starts again.
    case coreCrash = "core-crash"
    /// The cores end in good order, one after the other, and start again. Users must not see it.
    case coreRestart = "core-restart"
    /// An instance ends by itself.
    case instanceCrash = "instance-crash"
    /// Nobody is told of the end of an instance.
    case lostExit = "lost-exit"
    /// The cache's server forgets everything.
    case cacheLoss = "cache-loss"
    /// The store, or the cache, does not answer for a while, though nothing says that it is away: its process is stopped,
    /// or packets get lost.
    case storeHang = "store-hang"
    case cacheHang = "cache-hang"
    /// A machine's processors do a quarter of what they did, for a while. Users must not see more of it than time.
    case slowCPU = "slow-cpu"
    /// Hardly anything of a machine's disk is free for a while. It takes no new versions then; calls go on.
    case fullDisk = "full-disk"
    /// A connection is cut in the middle.
    case connectionReset = "connection-reset"
    /// Nothing goes over a connection for a while, one way.
    case networkStall = "network-stall"

    /// Those that come over connections, where there are any.
    public static let ofNetwork: Set<SimFault> = [.connectionReset, .networkStall]

    /// Whether users may see that it comes.
    package var disturbs: Bool { self != .coreRestart && self != .slowCPU }

    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// How many times as often it comes as other faults do: there are far fewer messages and ends than calls.
    var frequency: Int {
        switch self {
        case .lostExit: 30
        case .lostMessage, .delayedMessage, .doubledMessage, .connectionReset, .networkStall: 5
        default: 1
        }
    }

    /// How long a call waits for a port that hangs before it gives up, as the real adapters do; `nil` for a port that
    /// never hangs.
    package static func patience(with port: Substring) -> Duration? {
        switch port {
        case "store": .seconds(15)
        case "cache": .seconds(1)
        default: nil
        }
    }

    /// The way of a message from the cache to those who listen.
    static let delivery = "cache.deliver"

    /// The engine's word that an instance has ended.
    package static let exit = "engine.exit"

    /// A connection that comes about.
    package static let connection = "network.connection"

    /// An instance's life right after its start.
    static let firstMoments = "instance.first-moments"

    /// How many times as often as others a call goes wrong that is made seldom and on which much hangs.
    private static let weights = [
        "store.activateBuilt": 5, "store.activate": 5, "store.setAccess": 5, "store.deleteFunction": 5,
        "store.failVersion": 5, "cache.acquireLease": 15, "engine.list": 5, firstMoments: 5,
        "transport.check": 3,
    ]

    /// Whose answers come late more often: what is read there is acted on long after, when it may be true no more.
    private static let lateAnswerWeights = [
        "store.references": 30, "artifacts.list": 30, "store.activeFunctions": 30, "store.version": 30,
    ]

    /// How many times as often as in other calls the fault comes in the call `name`.
    func weight(in name: String) -> Int {
        switch (self, name) {
        // To end an instance takes long more often than other calls do.
        case (.slow, "engine.stop"): 10
        case (.slowAnswer, _): Self.lateAnswerWeights[name] ?? Self.weights[name] ?? 1
        default: Self.weights[name] ?? 1
        }
    }

    /// Whether the port's contract lets the call `name` fail in this way.
    func applies(to name: String) -> Bool {
        let port = name.prefix { $0 != "." }
        if name == Self.delivery { return self == .lostMessage || self == .delayedMessage }
        if name == Self.exit { return self == .lostExit }
        if name == Self.firstMoments { return self == .instanceCrash }
        if name == Self.connection { return Self.ofNetwork.contains(self) }
        switch self {
        case .slow, .slowAnswer: return true
        case .refused: return port != "passwords" && port != "function" && name != "engine.stop"
        case .timedOut: return port != "passwords" && port != "function" && name != "engine.stop" && port != "transport"
        // A transport that refuses has given nothing away; what breaks off later is the instance's crash.
        case .appliedButFailed:
            return ["store", "cache", "artifacts", "logs", "builder"].contains(port) || name == "engine.start"
        case .doubledMessage: return name == "cache.publish"
        case .tornWrite: return name == "artifacts.put" || name == "logs.append"
        case .lostMessage, .delayedMessage, .lostExit, .coreCrash, .coreRestart, .instanceCrash, .cacheLoss, .storeHang,
            .cacheHang, .slowCPU, .fullDisk, .connectionReset, .networkStall:
            return false
        }
    }
}

/// Draws latencies and faults, each from a stream of its own, so that taking one fault away leaves the rest as it was.
public final class SimFaultPlan: Sendable {
    private struct State: Sendable {
        var latency: SimGenerator
        var work: SimGenerator
        var delay: SimGenerator
        var streams: [(fault: SimFault, perMillion: Int, stream: SimGenerator)]
        var isOn = true
        var drawn: [String: Int] = [:]
        /// For each call that has come, the indices of the streams that apply to it, and how often each comes there.
        var applying: [String: [(stream: Int, perMillion: Int)]] = [:]

        mutating func findApplying(to name: String) -> [(stream: Int, perMillion: Int)] {
            let found = streams.indices.filter { streams[$0].fault.applies(to: name) }
                .map { ($0, streams[$0].perMillion * streams[$0].fault.weight(in: name)) }
            applying[name] = found
            return found
        }
    }

    static let timeout = Duration.seconds(5)

    private let state: Mutex<State>

    /// Whether users may see anything of the faults of this seed.
    package let disturbs: Bool

    /// - Parameters:
    ///   - faults: those that may come. Of these, some are off and the others weighted at random, which finds what a
    ///     fixed mixture hides (Groce et al., "Swarm Testing"). One seed in four has none that disturbs, since what
    ///     must hold then is more.
    public init(seed: UInt64, faults: Set<SimFault>) {
        let root = SimRandomness(seed: seed)
        var swarm = root.stream("swarm").generator
        let isQuiet = swarm.below(4) == 0
        let streams = SimFault.allCases.compactMap { fault -> (SimFault, Int, SimGenerator)? in
            var swarm = root.stream("swarm \(fault.rawValue)").generator
            let isOn = swarm.chance(perMillion: 600_000)
            let perMillion = [500, 2000, 10_000, 30_000][swarm.below(4)] * fault.frequency
            guard isOn, faults.contains(fault), !isQuiet || !fault.disturbs else { return nil }
            return (fault, perMillion, root.stream("fault \(fault.rawValue)").generator)
        }
        disturbs = streams.contains { $0.0.disturbs }
        state = Mutex(
            State(
                latency: root.stream("latency").generator, work: root.stream("work").generator,
                delay: root.stream("delay").generator, streams: streams))
    }

    /// The faults that come under this seed.
    public var active: [SimFault] { state.withLock { $0.streams.map(\.fault) } }

    /// How often each fault came, by `fault call`.
    public var drawn: [String: Int] { state.withLock { $0.drawn } }

    /// No more faults from now on; latencies stay.
    public func stop() { state.withLock { $0.isOn = false } }

    /// The fault of this effect, if any. Each stream moves on with each effect to which it applies.
    package func draw(for name: String) -> SimFault? {
        state.withLock { state in
            var found: SimFault?
            for (index, perMillion) in state.applying[name] ?? state.findApplying(to: name) {
                guard state.streams[index].stream.chance(perMillion: perMillion) else { continue }
                if found == nil { found = state.streams[index].fault }
            }
            guard state.isOn, let found else { return nil }
            state.drawn["\(found.rawValue) \(name)", default: 0] += 1
            return found
        }
    }

    /// When the next fault that comes by itself is due; `nil` when it is off.
    package func pause(before fault: SimFault) -> Duration? {
        state.withLock { state in
            guard state.isOn, let index = state.streams.firstIndex(where: { $0.fault == fault }) else { return nil }
            let limit = fault == .instanceCrash || fault == .cacheLoss ? Duration.seconds(20) : .seconds(60)
            return .seconds(2) + state.streams[index].stream.duration(below: limit)
        }
    }

    /// Notes a fault that came by itself.
    /// - Returns: a number below `choices` that says where it comes; `nil` when faults have stopped meanwhile.
    package func strike(_ fault: SimFault, choices: Int) -> Int? {
        state.withLock { state in
            guard state.isOn, choices > 0, let index = state.streams.firstIndex(where: { $0.fault == fault }) else {
                return nil
            }
            state.drawn[fault.rawValue, default: 0] += 1
            return state.streams[index].stream.below(choices)
        }
    }

    /// The time of real work.
    package func work(below limit: Duration) -> Duration { state.withLock { $0.work.duration(below: limit) } }

    /// The time by which a message is late.
    package func delay() -> Duration { state.withLock { $0.delay.duration(below: .seconds(20)) } }

    /// The time of a call, one way: mostly well below a millisecond, sometimes much more.
    package func latency() -> Duration {
        state.withLock { state in
            switch state.latency.below(100) {
            case 0: state.latency.duration(below: .milliseconds(50))
            case 1..<10: state.latency.duration(below: .milliseconds(5))
            default: state.latency.duration(below: .microseconds(500))
            }
        }
    }
}
