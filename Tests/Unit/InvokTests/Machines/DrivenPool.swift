@testable import Invok

/// A pool with short words for its events. Times are milliseconds.
struct DrivenPool {
    var machine: InstancePool
    let version: VersionKey
    /// Whether no start's turn comes.
    var holdsStarts = false
    private var assigned: [(instance: InstanceID, request: UInt64)] = []

    init(
        concurrency: Int = 16, minInstances: Int = 0, maxInstances: Int = 4, idleSeconds: Int = 300,
        timeoutSeconds: Int = 30, queueLimit: Int = 1000
    ) {
        let config = LimitsConfig.making(
            timeoutSeconds: timeoutSeconds, concurrency: concurrency, minInstances: minInstances,
            maxInstances: maxInstances, idleSeconds: idleSeconds)
        guard let limits = try? Limits(config), let name = try? FunctionName("hello") else {
            preconditionFailure("the test's limits are not valid")
        }
        version = VersionKey(
            function: FunctionKey(namespace: UUIDValue(high: 1, low: 2), name: name), number: 1)
        machine = InstancePool(
            version: version, settings: InstancePool.Settings(limits: limits, queueLimit: queueLimit), firstOrdinal: 0)
    }

    func id(_ ordinal: UInt32) -> InstanceID { InstanceID(version: version, ordinal: ordinal) }

    func instance(_ ordinal: UInt32, generation: Int = 0) -> RunningInstance {
        RunningInstance(
            id: id(ordinal), version: version, endpoint: .unixSocket("/\(ordinal)"), share: Resources(.standard),
            generation: generation)
    }

    /// Remembers who got which instance, and lets starts begin, unless they are held.
    private mutating func note(_ actions: [InstancePool.Action]) -> [InstancePool.Action] {
        for case .start(let id) in actions where !holdsStarts { machine.onStartBegun(id) }
        for case .assign(let request, let instance) in actions { assigned.append((instance.id, request)) }
        return actions
    }

    mutating func request(_ id: UInt64, failsFast: Bool = false, at time: Int64 = 0) -> [InstancePool.Action] {
        note(machine.onRequest(id, failsFast: failsFast, now: .milliseconds(time)))
    }

    mutating func cancelled(_ id: UInt64) -> [InstancePool.Action] { note(machine.onRequestCancelled(id, now: .zero)) }
    mutating func open(at time: Int64 = 0) -> [InstancePool.Action] { note(machine.onOpen(now: .milliseconds(time))) }
    mutating func restart(_ generation: Int, at time: Int64 = 0) -> [InstancePool.Action] {
        note(machine.onOpen(generation: generation, now: .milliseconds(time)))
    }
    mutating func drain(at time: Int64 = 0) -> [InstancePool.Action] { note(machine.onDrain(now: .milliseconds(time))) }
    mutating func adopt(_ ordinal: UInt32) -> [InstancePool.Action] {
        note(machine.onAdopt(instance(ordinal), now: .zero))
    }

    mutating func ready(_ ordinal: UInt32, at time: Int64 = 0) -> [InstancePool.Action] {
        note(machine.onInstanceReady(instance(ordinal), now: .milliseconds(time)))
    }

    /// The oldest request of the instance ends; one that it never had, where it has none.
    mutating func ended(
        _ ordinal: UInt32, _ outcome: InstancePool.Outcome = .answered, at time: Int64 = 0
    ) -> [InstancePool.Action] {
        let index = assigned.firstIndex { $0.instance == id(ordinal) }
        let request = index.map { assigned.remove(at: $0).request } ?? 999
        return note(machine.onRequestEnded(request, on: id(ordinal), outcome: outcome, now: .milliseconds(time)))
    }

    mutating func upgraded(_ request: UInt64, on ordinal: UInt32, at time: Int64 = 0) -> [InstancePool.Action] {
        note(machine.onUpgraded(request, on: id(ordinal), now: .milliseconds(time)))
    }

    mutating func workEnded(_ request: UInt64, on ordinal: UInt32, at time: Int64 = 0) -> [InstancePool.Action] {
        note(machine.onWorkEnded(request, on: id(ordinal), now: .milliseconds(time)))
    }

    mutating func probed(_ ordinal: UInt32, isReady: Bool, at time: Int64 = 0) -> [InstancePool.Action] {
        note(machine.onProbed(id(ordinal), isReady: isReady, now: .milliseconds(time)))
    }

    mutating func failed(_ ordinal: UInt32, at time: Int64 = 0) -> [InstancePool.Action] {
        note(machine.onStartFailed(id(ordinal), reason: "broken", now: .milliseconds(time)))
    }

    mutating func exited(_ ordinal: UInt32, at time: Int64 = 0) -> [InstancePool.Action] {
        note(machine.onInstanceExited(id(ordinal), reason: "crashed", now: .milliseconds(time)))
    }

    mutating func stopped(_ ordinal: UInt32, at time: Int64 = 0) -> [InstancePool.Action] {
        note(machine.onInstanceStopped(id(ordinal), now: .milliseconds(time)))
    }

    mutating func reclaim(_ ordinal: UInt32) -> [InstancePool.Action] {
        note(machine.onReclaim(id(ordinal), now: .zero))
    }

    /// In milliseconds.
    func due(at time: Int64 = 0) -> Int64? {
        machine.nextDue(after: .milliseconds(time)).map { $0.nanoseconds / 1_000_000 }
    }

    mutating func tick(at time: Int64) -> [InstancePool.Action] { note(machine.onTick(now: .milliseconds(time))) }

    /// Three starts in a row fail, the last at 300 ms: the next may be tried at 700 ms.
    mutating func openCircuit() {
        _ = request(1) + failed(0) + tick(at: 100) + failed(1, at: 100) + tick(at: 300) + failed(2, at: 300)
    }
}

extension Instant {
    static let zero = Instant(nanoseconds: 0)
    static func milliseconds(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000) }
}
