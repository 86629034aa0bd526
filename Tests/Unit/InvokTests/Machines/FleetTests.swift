import Synchronization
import Testing

@testable import Invok

/// Drives a fleet by hand. Names of functions say whose they are: `a1` and `a2` belong to one namespace.
struct FleetTests {
    // MARK: Turns

    @Test func namespacesTakeTurns() {
        var fleet = FleetRig(places: 1)
        for number in 1...5 { fleet.request("a\(number)") }
        fleet.request("b1")
        #expect(fleet.launched == ["a1"])
        fleet.running("a1")
        #expect(fleet.launched == ["a1", "a2"])
        fleet.running("a2")
        #expect(fleet.launched == ["a1", "a2", "b1"], "though three others came before it")
        fleet.running("b1")
        #expect(fleet.launched == ["a1", "a2", "b1", "a3"])
    }

    @Test func nobodyTakesMoreThanAShareWhileOthersWait() {
        var fleet = FleetRig(places: 4)
        for number in 1...6 { fleet.request("a\(number)") }
        #expect(fleet.launched.count == 4, "nobody else waits")
        fleet.request("b1")
        fleet.request("b2")
        fleet.running("a1")
        fleet.running("a2")
        #expect(fleet.launched.suffix(2) == ["b1", "b2"])
    }

    @Test func aPlaceIsHeldForASecondAtMost() {
        var fleet = FleetRig(places: 1)
        fleet.request("a1")
        fleet.request("b1", at: 1)
        #expect(fleet.launched == ["a1"])
        fleet.alarm(at: 999)
        #expect(fleet.launched == ["a1"])
        #expect(fleet.nextAlarm == 1000)
        fleet.alarm(at: 1000)
        #expect(fleet.launched == ["a1", "b1"], "whatever the first one does")
        fleet.running("a1", at: 1001)
        fleet.request("c1", at: 1002)
        #expect(fleet.launched == ["a1", "b1"], "the place is given back once")
    }

    @Test func requestsGoBeforeMinimums() {
        var fleet = FleetRig(places: 2)
        for number in 1...4 { fleet.open("a\(number)", minInstances: 1) }
        #expect(fleet.launched == ["a1"], "the last place is for those that requests wait for")
        fleet.request("b1")
        fleet.request("b2")
        #expect(fleet.launched == ["a1", "b1"])
        fleet.running("a1")
        #expect(fleet.launched == ["a1", "b1", "b2"], "though three minimums wait longer")
    }

    @Test func aMinimumThatARequestWaitsForIsUrgent() {
        var fleet = FleetRig(places: 2)
        fleet.open("a1", minInstances: 1)
        fleet.open("a2", minInstances: 1)
        #expect(fleet.launched == ["a1"])
        fleet.request("a2")
        #expect(fleet.launched == ["a1", "a2"])
    }

    @Test func whatIsNotNeededAnyMoreLosesItsTurn() {
        var fleet = FleetRig(places: 1)
        fleet.request("a1")
        fleet.request("b1")
        fleet.retire("b1")
        fleet.cancel("b1")
        #expect(fleet.withdrawn == ["b1"])
        fleet.running("a1")
        #expect(fleet.launched == ["a1"])
        #expect(fleet.machine.starts.waitingCount == 0)
    }

    @Test func aFailedStartGivesBackWhatItHeld() {
        var fleet = FleetRig(places: 1, memoryMB: 128)
        fleet.request("a1")
        fleet.request("b1")
        fleet.failed("a1")
        #expect(fleet.launched == ["a1", "b1"])
        #expect(fleet.machine.starts.capacity.used.instances == 1)
    }

    // MARK: Capacity

    @Test func whatTheMachineLacksIsNotStarted() {
        var fleet = FleetRig(memoryMB: 256)
        for name in ["a1", "b1", "c1"] { fleet.request(name) }
        #expect(fleet.launched == ["a1", "b1"])
        fleet.exited("a1")
        #expect(fleet.launched == ["a1", "b1"], "until its start is reported it counts")
        fleet.ready("a1")
        #expect(fleet.launched == ["a1", "b1", "c1"])
    }

    @Test func whoWaitedForRoomIsToldSo() {
        var fleet = FleetRig(memoryMB: 128)
        fleet.request("a1")
        fleet.ready("a1")
        fleet.request("b1")
        fleet.alarm(at: 40_000)
        #expect(fleet.rejections == [.noRoom(.machine)])
        #expect(fleet.withdrawn == ["b1"])
    }

    @Test func whoWaitedForItsQuotaIsToldSo() {
        var fleet = FleetRig(quota: Quota([.instances: 1]))
        fleet.request("a1")
        fleet.ready("a1")
        fleet.request("a2")
        fleet.request("b1")
        #expect(fleet.launched == ["a1", "b1"])
        fleet.alarm(at: 40_000)
        #expect(fleet.rejections.first == .noRoom(.quota(QuotaExcess(.instances, value: 1, used: 1))))
    }

    @Test func whatCouldNeverStartFailsAtOnce() {
        var fleet = FleetRig(memoryMB: 100)
        fleet.request("a1", failsFast: true)
        #expect(fleet.launched == [])
        guard case .failing(let reason, _)? = fleet.rejections.first else {
            Issue.record("\(fleet.rejections)")
            return
        }
        #expect(reason == "it may take 128 MB of memory, and this server has 100 MB for all functions")
    }

    @Test func whatIsStillBeingStoppedTakesRoom() {
        var fleet = FleetRig(memoryMB: 256)
        fleet.stranger("a1", memoryMB: 192)
        fleet.request("b1")
        #expect(fleet.launched.isEmpty, "an earlier core's instance has it")
        #expect(fleet.stopped.isEmpty)
        fleet.strangerGone("a1")
        #expect(fleet.launched == ["b1"])
        fleet.strangerGone("a1")
        #expect(fleet.machine.starts.capacity.used.memoryMB == 128)
    }

    @Test func nobodyMakesRoomThatComesByItself() {
        var fleet = FleetRig(memoryMB: 256)
        fleet.request("b1")
        fleet.ready("b1")
        fleet.ended("b1")
        fleet.stranger("a1", memoryMB: 128)
        fleet.request("b2")
        #expect(fleet.launched == ["b1"] && fleet.stopped.isEmpty, "the idle one stays: what is leaving is enough")
        fleet.strangerGone("a1")
        #expect(fleet.launched == ["b1", "b2"])
    }

    @Test func theLongestIdleMakesRoom() {
        var fleet = FleetRig(memoryMB: 384)
        for (time, name) in ["a1", "b1", "c1"].enumerated() {
            fleet.request(name)
            fleet.ready(name)
            fleet.ended(name, at: Int64(time))
        }
        fleet.request("d1", at: 10)
        #expect(fleet.stopped == ["a1"])
        fleet.request("b1", at: 11)
        #expect(fleet.stopped == ["a1"], "one is enough")
        fleet.gone("a1")
        #expect(fleet.launched.last == "d1")
    }

    @Test func aMinimumIsNotReclaimedAndReclaimsNothing() {
        var fleet = FleetRig(memoryMB: 256)
        fleet.open("a1", minInstances: 1)
        fleet.ready("a1")
        fleet.request("b1")
        fleet.ready("b1")
        fleet.ended("b1")
        fleet.open("c1", minInstances: 1)
        #expect(fleet.stopped == [])
        fleet.request("c1")
        #expect(fleet.stopped == ["b1"])
    }

    @Test func nobodyLosesAnythingForWhatCannotGoAllTheSame() {
        var fleet = FleetRig(memoryMB: 256)
        fleet.request("a1")
        fleet.ready("a1")
        fleet.request("b1")
        fleet.ready("b1")
        fleet.ended("b1")
        fleet.request("c1", memoryMB: 256)
        #expect(fleet.stopped == [], "a1 works")
        fleet.ended("a1")
        fleet.alarm(at: 300)
        #expect(fleet.stopped.sorted() == ["a1", "b1"])
    }

    @Test func aUsedUpQuotaTakesOfItsOwnerAlone() {
        var fleet = FleetRig(quota: Quota([.instances: 1]))
        for name in ["b1", "a1"] {
            fleet.request(name)
            fleet.ready(name)
            fleet.ended(name)
        }
        fleet.request("a2")
        #expect(fleet.stopped == ["a1"])
    }

    @Test func whatIsTakenOverCountsAndIsNotDenied() {
        var fleet = FleetRig(memoryMB: 128)
        fleet.adopt("a1")
        fleet.adopt("b1")
        #expect(fleet.machine.starts.capacity.used.memoryMB == 256)
        fleet.request("c1")
        #expect(fleet.launched == [])
    }
}

/// A fleet with short words for its events: one instance of each function. Times are milliseconds.
private struct FleetRig {
    var machine: Fleet
    var launched: [String] = []
    var stopped: [String] = []
    var withdrawn: [String] = []
    var rejections: [InstancePool.Rejection] = []
    var nextAlarm: Int64?
    private var versions: [String: Version] = [:]
    private var requests: [String: UInt64] = [:]
    private var lastRequest: UInt64 = 0

    init(places: Int = 4, memoryMB: Int = .max, quota: Quota = Quota().freed) {
        var settings = SystemSettings()
        settings.concurrentStarts = places
        settings.capacity = Resources(memoryMB: memoryMB)
        machine = Fleet(settings) { _ in quota }
    }

    private mutating func version(_ name: String, minInstances: Int = 0, memoryMB: Int = 128) -> Version {
        if let version = versions[name] { return version }
        let config = LimitsConfig.making(
            memoryMB: memoryMB, concurrency: 1, minInstances: minInstances, maxInstances: 1)
        guard let limits = try? Limits(config), let function = try? FunctionName(name), let owner = name.utf8.first
        else { preconditionFailure("the test's limits are not valid") }
        let key = FunctionKey(namespace: Namespace(high: 0, low: UInt64(owner)), name: function)
        let version = Version(
            key: VersionKey(function: key, number: 1), artifact: Digest(of: []),
            settings: VersionSettings(runtime: .python, environment: .empty, limits: limits), state: .building,
            createdBy: key.namespace, createdAt: Timestamp(millisecondsSinceEpoch: 0))
        versions[name] = version
        return version
    }

    private func id(_ name: String) -> InstanceID { InstanceID(version: key(name), ordinal: 0) }
    private func key(_ name: String) -> VersionKey { versions[name]?.key ?? VersionKey.none }
    private func instance(_ name: String) -> RunningInstance {
        RunningInstance(
            id: id(name), version: key(name), endpoint: .unixSocket("/\(name)"),
            share: Resources(versions[name]?.settings.limits ?? .standard))
    }

    /// Takes part in what follows: what is to start is ready for it at once.
    private mutating func carryOut(_ actions: [Fleet.Action], at time: Int64 = 0) {
        for action in actions {
            switch action {
            case .pool(let key, .start(let id)):
                carryOut(machine.onPrepared(id, of: key, now: .milliseconds(time)), at: time)
            case .pool(let key, .stop), .pool(let key, .kill): stopped.append(key.function.name.description)
            case .pool(let key, .withdraw): withdrawn.append(key.function.name.description)
            case .pool(_, .reject(_, let rejection)): rejections.append(rejection)
            case .pool: break
            case .launch(let id): launched.append(String(id.description.prefix { $0 != "-" }))
            case .setAlarm(let instant): nextAlarm = instant.nanoseconds / 1_000_000
            }
        }
    }

    private mutating func change(
        _ name: String, gone: Bool = false, at time: Int64 = 0,
        _ event: (inout InstancePool, Instant) -> [InstancePool.Action]
    ) {
        let now = Instant.milliseconds(time)
        carryOut(machine.change(key(name), gone: gone ? id(name) : nil, now: now) { event(&$0, now) }, at: time)
    }

    mutating func open(_ name: String, minInstances: Int = 0, memoryMB: Int = 128, at time: Int64 = 0) {
        machine.makePool(version(name, minInstances: minInstances, memoryMB: memoryMB)) { 0 }
        change(name, at: time) { $0.onOpen(now: $1) }
    }

    mutating func request(_ name: String, memoryMB: Int = 128, failsFast: Bool = false, at time: Int64 = 0) {
        open(name, memoryMB: memoryMB, at: time)
        lastRequest += 1
        let request = lastRequest
        requests[name] = request
        change(name, at: time) { $0.onRequest(request, failsFast: failsFast, now: $1) }
    }

    mutating func cancel(_ name: String) {
        let request = requests[name] ?? 0
        change(name) { $0.onRequestCancelled(request, now: $1) }
    }

    mutating func ended(_ name: String, at time: Int64 = 0) {
        let (request, id) = (requests[name] ?? 0, id(name))
        change(name, at: time) { $0.onRequestEnded(request, on: id, outcome: .answered, now: $1) }
    }

    mutating func running(_ name: String, at time: Int64 = 0) {
        carryOut(machine.onRunning(id(name), now: .milliseconds(time)), at: time)
    }

    mutating func ready(_ name: String) {
        running(name)
        let instance = instance(name)
        change(name, gone: true) { $0.onInstanceReady(instance, now: $1) }
    }

    mutating func failed(_ name: String) {
        let id = id(name)
        change(name, gone: true) { $0.onStartFailed(id, reason: "broken", now: $1) }
    }

    mutating func exited(_ name: String) {
        let id = id(name)
        change(name, gone: true) { $0.onInstanceExited(id, reason: "crashed", now: $1) }
    }

    mutating func gone(_ name: String) {
        let id = id(name)
        change(name, gone: true) { $0.onInstanceStopped(id, now: $1) }
    }

    mutating func retire(_ name: String) { change(name) { $0.onDrain(now: $1) } }

    mutating func adopt(_ name: String) {
        machine.makePool(version(name)) { 0 }
        carryOut(machine.adopt(instance(name), now: .milliseconds(0)))
    }

    mutating func stranger(_ name: String, memoryMB: Int) {
        _ = version(name, memoryMB: memoryMB)
        _ = machine.onStranger(instance(name))
    }

    mutating func strangerGone(_ name: String) { carryOut(machine.onStrangerGone(id(name), now: .milliseconds(0))) }

    mutating func alarm(at time: Int64) { carryOut(machine.onAlarm(now: .milliseconds(time)), at: time) }
}

extension VersionKey {
    /// Of a function that the test has not named.
    fileprivate static var none: VersionKey {
        guard let name = try? FunctionName("none") else { preconditionFailure("a valid name") }
        return VersionKey(function: FunctionKey(namespace: Namespace(high: 0, low: 0), name: name), number: 0)
    }
}
