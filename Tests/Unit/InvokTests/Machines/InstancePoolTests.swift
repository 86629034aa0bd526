import Testing

@testable import Invok

/// Drives one pool by hand: each event's actions are compared for equality.
struct InstancePoolTests {
    // MARK: From zero

    @Test func firstRequestStartsAnInstanceAndGetsIt() {
        var pool = Pool()
        let id = pool.id(0)
        #expect(pool.request(1) == [.start(id)])
        #expect(pool.ready(0) == [.assign(1, pool.instance(0))])
        #expect(pool.machine.inFlightCount == 1)
    }

    @Test func waitingRequestsStartAsManyInstancesAsTheyNeed() {
        var pool = Pool(concurrency: 2, maxInstances: 3)
        #expect(pool.request(1) == [.start(pool.id(0))])
        #expect(pool.request(2) == [])
        #expect(pool.request(3) == [.start(pool.id(1))])
        #expect(pool.request(4) == [])
        #expect(pool.request(5) == [.start(pool.id(2))])
        for id in 6...9 as ClosedRange<UInt64> { #expect(pool.request(id) == []) }
        #expect(pool.machine.instanceCount == 3)
        #expect(pool.machine.waitingCount == 9)
    }

    @Test func requestsAreServedInOrder() {
        var pool = Pool(concurrency: 1, maxInstances: 1)
        _ = (1...3).flatMap { pool.request($0) }
        #expect(pool.ready(0) == [.assign(1, pool.instance(0))])
        #expect(pool.ended(0) == [.assign(2, pool.instance(0))])
        #expect(pool.ended(0) == [.assign(3, pool.instance(0))])
    }

    @Test func requestsArePackedOntoTheOldestInstance() {
        var pool = Pool(concurrency: 1, maxInstances: 2)
        _ = pool.request(1) + pool.request(2) + pool.ready(0) + pool.ready(1)
        _ = pool.ended(0) + pool.ended(1)
        #expect(pool.request(3) == [.assign(3, pool.instance(0))])
        #expect(pool.request(4) == [.assign(4, pool.instance(1))])
    }

    @Test func anInstanceThatEndedBeforeItsStartWasReportedIsNotReady() {
        var pool = Pool(concurrency: 1, maxInstances: 1)
        _ = pool.request(1)
        #expect(pool.exited(0) == [])
        #expect(pool.machine.instanceCount == 1, "until the start is reported it is not replaced")
        #expect(pool.ready(0) == [], "the request waits on, for the next instance")
        #expect(pool.machine.instanceCount == 0)
        #expect(pool.tick(at: 100) == [.start(pool.id(1))])
        #expect(pool.ready(1) == [.assign(1, pool.instance(1))])
    }

    // MARK: Waiting

    @Test func aFullQueueRejects() {
        var pool = Pool(queueLimit: 1)
        _ = pool.request(1)
        #expect(pool.request(2) == [.reject(2, .queueFull)])
    }

    @Test func waitingEndsAfterTheQueueWait() {
        var pool = Pool()
        _ = pool.request(1)
        #expect(pool.tick(at: 29_999) == [])
        #expect(pool.tick(at: 30_000) == [.reject(1, .waitedTooLong)])
        #expect(pool.ready(0) == [], "an instance that comes late serves whoever comes next")
    }

    @Test func aCancelledRequestIsNotServed() {
        var pool = Pool()
        _ = pool.request(1)
        #expect(pool.cancelled(1) == [])
        #expect(pool.ready(0) == [])
        #expect(pool.machine.inFlightCount == 0)
    }

    // MARK: Turns

    @Test func aStartThatIsNotNeededAnyMoreIsWithdrawn() {
        var pool = Pool(concurrency: 1)
        pool.holdsStarts = true
        #expect(pool.request(1) + pool.request(2) == [.start(pool.id(0)), .start(pool.id(1))])
        #expect(pool.cancelled(1) == [.withdraw(pool.id(1))], "the latest")
        pool.machine.onStartBegun(pool.id(0))
        #expect(pool.cancelled(2) == [], "it starts already")
        #expect(pool.machine.instanceCount == 1)
    }

    @Test func theMinimumIsNotWithdrawn() {
        var pool = Pool(concurrency: 1, minInstances: 1)
        pool.holdsStarts = true
        #expect(pool.open() == [.start(pool.id(0))])
        #expect(pool.request(1) == [])
        #expect(pool.cancelled(1) == [])
        #expect(pool.drain() == [.withdraw(pool.id(0)), .drained])
    }

    @Test func afterAFailureOneStartAtATimeWaits() {
        var pool = Pool(concurrency: 1)
        _ = pool.request(1)
        pool.holdsStarts = true
        _ = pool.request(2) + pool.request(3)
        #expect(pool.failed(0) == [.withdraw(pool.id(2)), .withdraw(pool.id(1))])
        #expect(pool.tick(at: 100) == [.start(pool.id(3))])
        #expect(pool.tick(at: 101) == [])
    }

    @Test func whatIsIdleMayGoForOthersButNotTheMinimum() {
        var pool = Pool(concurrency: 1, minInstances: 1, maxInstances: 3)
        for ordinal in 0..<3 as Range<UInt32> { _ = pool.request(UInt64(ordinal)) + pool.ready(ordinal) }
        #expect(pool.machine.spare.isEmpty)
        _ = pool.ended(1, at: 1) + pool.ended(0, at: 2)
        #expect(pool.machine.spare.map(\.id) == [pool.id(1), pool.id(0)], "the longest idle first")
        _ = pool.ended(2, at: 3)
        #expect(pool.machine.spare.map(\.id) == [pool.id(1), pool.id(0)], "one is kept")
        #expect(pool.reclaim(1) == [.stop(pool.id(1))])
        #expect(pool.machine.leaving == [pool.id(1)])
        #expect(pool.reclaim(2) == [], "it is not the one whose turn it is")
        #expect(pool.reclaim(0) == [.stop(pool.id(0))])
        #expect(pool.machine.spare.isEmpty)
    }

    @Test func anInstanceThatWorksAgainIsNotReclaimed() {
        var pool = Pool(concurrency: 1)
        _ = pool.request(1) + pool.ready(0) + pool.ended(0) + pool.request(2)
        #expect(pool.reclaim(0) == [])
    }

    // MARK: Idle

    @Test func idleInstancesStopAfterTheIdleTime() {
        var pool = Pool(idleSeconds: 10)
        _ = pool.request(1) + pool.ready(0) + pool.ended(0, at: 1000)
        #expect(pool.tick(at: 10_999) == [])
        #expect(pool.tick(at: 11_000) == [.stop(pool.id(0))])
        #expect(pool.machine.instanceCount == 1, "it counts until it is gone")
        _ = pool.stopped(0)
        #expect(pool.machine.instanceCount == 0)
    }

    @Test func aBusyInstanceIsNotIdle() {
        var pool = Pool(idleSeconds: 10)
        _ = pool.request(1) + pool.ready(0)
        #expect(pool.tick(at: 100_000) == [])
    }

    @Test func theMinimumIsKeptAndTheYoungestGoFirst() {
        var pool = Pool(concurrency: 1, minInstances: 1, maxInstances: 3, idleSeconds: 10)
        #expect(pool.open() == [.start(pool.id(0))])
        _ = pool.ready(0) + pool.request(1) + pool.request(2) + pool.ready(1) + pool.ended(0) + pool.ended(1)
        #expect(pool.tick(at: 60_000) == [.stop(pool.id(1))])
        #expect(pool.stopped(1) == [])
        #expect(pool.tick(at: 90_000) == [])
    }

    @Test func theMinimumIsRestoredAfterACrash() {
        var pool = Pool(minInstances: 1)
        _ = pool.open() + pool.ready(0)
        #expect(pool.exited(0) == [], "not before the backoff is over")
        #expect(pool.tick(at: 100) == [.start(pool.id(1))])
    }

    @Test func theLimitHoldsWhileInstancesStop() {
        var pool = Pool(maxInstances: 1, idleSeconds: 1)
        _ = pool.request(1) + pool.ready(0) + pool.ended(0)
        #expect(pool.tick(at: 1000) == [.stop(pool.id(0))])
        #expect(pool.request(2) == [], "the old one still counts")
        #expect(pool.stopped(0) == [.start(pool.id(1))])
    }

    // MARK: Failures

    @Test func aDeployLearnsOfTheFirstFailure() {
        var pool = Pool()
        #expect(pool.request(1, failsFast: true) == [.start(pool.id(0))])
        #expect(pool.failed(0) == [.reject(1, .failing("broken", retryAfter: .milliseconds(100)))])
    }

    @Test func startsAreTriedAgainEverMoreSlowlyUntilTheCircuitOpens() {
        var pool = Pool()
        _ = pool.request(1)
        #expect(pool.failed(0) == [])
        #expect(pool.tick(at: 99) == [])
        #expect(pool.tick(at: 100) == [.start(pool.id(1))])
        #expect(pool.failed(1, at: 100) == [])
        #expect(pool.tick(at: 299) == [])
        #expect(pool.tick(at: 300) == [.start(pool.id(2))])
        #expect(pool.failed(2, at: 300) == [.reject(1, .failing("broken", retryAfter: .milliseconds(400)))])
        #expect(pool.request(2, at: 400) == [.reject(2, .failing("broken", retryAfter: .milliseconds(300)))])
    }

    @Test func theCircuitLetsOneStartThroughWhenItsTimeIsOver() {
        var pool = Pool(concurrency: 1)
        pool.openCircuit()
        #expect(pool.request(2, at: 700) == [.start(pool.id(3))])
        #expect(pool.request(3, at: 700) == [])
        #expect(pool.machine.instanceCount == 1)
    }

    @Test func anAnswerClosesTheCircuit() {
        var pool = Pool(concurrency: 1)
        pool.openCircuit()
        _ = pool.request(2, at: 700) + pool.ready(3)
        #expect(pool.ended(3, at: 702) == [])
        #expect(pool.exited(3, at: 703) == [])
        #expect(pool.request(4, at: 703) == [], "one failure only: the request waits")
        #expect(pool.tick(at: 803) == [.start(pool.id(4))])
    }

    @Test func theBackoffHasALimit() {
        var pool = Pool()
        var now: Int64 = 0
        for ordinal in 0..<40 as Range<UInt32> {
            _ = pool.request(UInt64(ordinal), at: now)
            _ = pool.tick(at: now)
            _ = pool.failed(ordinal, at: now)
            now += 30_000
        }
        _ = pool.request(100, at: now)
        #expect(pool.machine.instanceCount == 1)
    }

    @Test func aRequestThatEndsOnADeadInstanceChangesNothing() {
        var pool = Pool()
        _ = pool.request(1) + pool.ready(0) + pool.exited(0)
        #expect(pool.ended(0) == [])
        #expect(pool.machine.inFlightCount == 0)
    }

    @Test(arguments: [true, false])
    func anExitWhileStartingOrStoppingIsLeftToItsOwnEvent(isStarting: Bool) {
        var pool = Pool(idleSeconds: 1)
        _ = pool.request(1)
        if !isStarting { _ = pool.ready(0) + pool.ended(0) + pool.tick(at: 1000) }
        #expect(pool.exited(0) == [])
        #expect(pool.machine.instanceCount == 1)
        if !isStarting {
            #expect(pool.stopped(0) == [])
            #expect(pool.machine.instanceCount == 0)
        }
    }

    // MARK: Sick instances

    @Test func oneThatRefusesIsOutAtOnceAndTheNextRequestGoesElsewhere() {
        var pool = Pool(concurrency: 1, maxInstances: 2)
        _ = pool.request(1) + pool.request(2) + pool.ready(0) + pool.ready(1) + pool.ended(1)
        #expect(
            pool.ended(0, .refused) == [
                .note(pool.id(0), "instance replaced: it took no connection"), .stop(pool.id(0)),
            ])
        #expect(pool.request(3) == [.assign(3, pool.instance(1))])
        #expect(pool.machine.ready == [pool.instance(1)])
        #expect(pool.exited(0) == [], "its stop has an event of its own")
    }

    @Test func oneThatRefusesIsStoppedOnceTheOthersHaveTheirAnswers() {
        var pool = Pool(concurrency: 2, maxInstances: 1)
        _ = pool.request(1) + pool.request(2) + pool.ready(0)
        #expect(pool.ended(0, .refused) == [.note(pool.id(0), "instance replaced: it took no connection")])
        #expect(pool.request(3) == [], "it waits for the next instance")
        #expect(pool.ended(0, .refused) == [.stop(pool.id(0))])
        #expect(pool.stopped(0, at: 100) == [.start(pool.id(1))])
    }

    @Test func oneThatLeavesAndEndsByItselfCountsOnce() {
        var pool = Pool(concurrency: 2, maxInstances: 1)
        _ = pool.request(1) + pool.request(2) + pool.ready(0) + pool.ended(0, .refused)
        #expect(pool.exited(0) == [])
        #expect(pool.machine.instanceCount == 0)
        _ = pool.request(3)
        #expect(pool.due() == 100, "the backoff of one failure")
    }

    @Test func aTimeoutPutsItInQuarantineUntilItHasAnsweredItsCheck() {
        var pool = Pool(concurrency: 2)
        _ = pool.request(1) + pool.request(2) + pool.ready(0)
        #expect(pool.ended(0, .timedOut) == [.probe(pool.instance(0))])
        #expect(pool.ended(0, .timedOut) == [], "it is asked once")
        #expect(pool.workEnded(1, on: 0) == [])
        #expect(pool.request(3) == [], "no start either: the check takes less")
        #expect(pool.probed(0, isReady: true) == [.assign(3, pool.instance(0))])
    }

    @Test func oneThatDoesNotAnswerItsCheckIsKilledAndReplaced() {
        var pool = Pool(concurrency: 2, minInstances: 1, maxInstances: 2)
        _ = pool.open() + pool.ready(0) + pool.request(1) + pool.request(2)
        _ = pool.ended(0, .timedOut)
        #expect(
            pool.probed(0, isReady: false) == [
                .note(pool.id(0), "instance replaced: it did not answer its readiness check")
            ], "somebody waits for it still")
        #expect(pool.tick(at: 100) == [.start(pool.id(1))], "the minimum is there before it is gone")
        #expect(pool.ended(0, .timedOut, at: 200) == [.kill(pool.id(0))])
    }

    /// A deploy waits for a start of its own, not for what is still there of the version.
    @Test func aDeployDoesNotFailByAnInstanceThatIsReplaced() {
        var pool = Pool(concurrency: 1, maxInstances: 2)
        _ = pool.request(1) + pool.ready(0) + pool.ended(0, .timedOut)
        #expect(pool.request(2, failsFast: true) == [.start(pool.id(1))])
        #expect(
            pool.probed(0, isReady: false) == [
                .note(pool.id(0), "instance replaced: it did not answer its readiness check"), .kill(pool.id(0)),
            ])
        #expect(pool.ready(1) == [.assign(2, pool.instance(1))])
    }

    @Test(arguments: [InstancePool.Outcome.timedOut, .abandoned])
    func whatIsWorkedOnForNobodyTakesAPlace(outcome: InstancePool.Outcome) {
        var pool = Pool(concurrency: 1, maxInstances: 1)
        _ = pool.request(1) + pool.ready(0)
        let actions = pool.ended(0, outcome)
        #expect(actions == (outcome == .timedOut ? [.probe(pool.instance(0))] : []))
        #expect(pool.machine.inFlightCount == 0)
        _ = pool.probed(0, isReady: true)
        #expect(pool.request(2) == [], "it would work on two")
        #expect(pool.workEnded(1, on: 0) == [.assign(2, pool.instance(0))])
        #expect(pool.workEnded(1, on: 0) == [], "once")
    }

    @Test func theWordThatWorkEndedMayComeBeforeThatOfItsRequest() {
        var pool = Pool(concurrency: 1, maxInstances: 1)
        _ = pool.request(1) + pool.ready(0)
        #expect(pool.workEnded(1, on: 0) == [])
        #expect(pool.request(2) == [])
        #expect(pool.ended(0, .abandoned) == [.assign(2, pool.instance(0))])
    }

    @Test(arguments: [(1, 5), (30, 30)])
    func whatWorksForNobodyForTooLongIsReplaced(timeoutSeconds: Int, limit: Int64) {
        var pool = Pool(concurrency: 1, maxInstances: 1, timeoutSeconds: timeoutSeconds)
        _ = pool.request(1) + pool.ready(0) + pool.ended(0, .timedOut, at: 1000) + pool.probed(0, isReady: true)
        #expect(pool.due(at: 1000) == 1000 + limit * 1000)
        #expect(pool.tick(at: 999 + limit * 1000) == [])
        #expect(
            pool.tick(at: 1000 + limit * 1000) == [
                .note(pool.id(0), "instance replaced: it still works on a request that ended \(limit) s ago"),
                .stop(pool.id(0)),
            ])
        #expect(pool.due(at: 1000 + limit * 1000) == nil)
    }

    @Test func whatWorksForNobodyIsNotIdle() {
        var pool = Pool(idleSeconds: 1, timeoutSeconds: 10)
        _ = pool.request(1) + pool.ready(0) + pool.ended(0, .abandoned)
        #expect(pool.tick(at: 2000) == [])
        #expect(pool.workEnded(1, on: 0, at: 3000) == [])
        #expect(pool.tick(at: 3999) == [])
        #expect(pool.tick(at: 4000) == [.stop(pool.id(0))])
    }

    @Test(arguments: [InstancePool.Outcome.broken, .abandoned, .unsent])
    func whatIsNotItsFaultAndNoAnswerChangesNothing(outcome: InstancePool.Outcome) {
        var pool = Pool(concurrency: 2)
        _ = pool.request(1) + pool.ready(0)
        #expect(pool.ended(0, outcome) == [])
        #expect(pool.request(2) == [.assign(2, pool.instance(0))])
    }

    // MARK: Draining

    @Test func drainingDoesNotWaitForWhatNobodyWaitsFor() {
        var pool = Pool(concurrency: 1, maxInstances: 1)
        _ = pool.request(1) + pool.ready(0) + pool.ended(0, .abandoned)
        #expect(pool.drain() == [.stop(pool.id(0))])
        #expect(pool.stopped(0) == [.drained])
    }

    @Test func drainingServesWhatWaitsAndThenGoes() {
        var pool = Pool(concurrency: 1, maxInstances: 1)
        _ = pool.request(1) + pool.request(2) + pool.ready(0)
        #expect(pool.drain() == [])
        #expect(pool.request(3) == [.reject(3, .retired)])
        #expect(pool.ended(0) == [.assign(2, pool.instance(0))])
        #expect(pool.ended(0) == [.stop(pool.id(0))])
        #expect(pool.stopped(0) == [.drained])
        #expect(pool.tick(at: 1000) == [], "it says so once")
    }

    @Test func drainingAnEmptyPoolIsDoneAtOnce() {
        var pool = Pool(minInstances: 1)
        #expect(pool.drain() == [.drained])
    }

    @Test func drainingStopsAnInstanceThatBecomesReadyTooLate() {
        var pool = Pool()
        _ = pool.request(1)
        _ = pool.cancelled(1)
        #expect(pool.drain() == [])
        #expect(pool.ready(0) == [.stop(pool.id(0))])
        #expect(pool.stopped(0) == [.drained])
    }

    @Test func aDrainedVersionCanOpenAgain() {
        var pool = Pool()
        _ = pool.drain()
        #expect(pool.open() == [])
        #expect(pool.request(1) == [.start(pool.id(0))])
    }

    // MARK: When something is due

    @Test func nothingIsDueWhileNothingWaits() {
        var pool = Pool(minInstances: 1)
        #expect(pool.due() == nil)
        _ = pool.open()
        #expect(pool.due() == nil, "a start ends by itself")
        _ = pool.ready(0)
        #expect(pool.due() == nil, "the minimum stays")
    }

    @Test func aWaitingRequestIsDueAtItsLimit() {
        var pool = Pool()
        _ = pool.request(1, at: 500)
        #expect(pool.due(at: 500) == 30_500)
        _ = pool.ready(0, at: 600)
        #expect(pool.due(at: 600) == nil)
    }

    @Test func theIdleAreDueInTheirOrder() {
        var pool = Pool(concurrency: 1, idleSeconds: 10)
        _ = pool.request(1) + pool.request(2) + pool.ready(0) + pool.ready(1)
        _ = pool.ended(1, at: 1000)
        #expect(pool.due(at: 1000) == 11_000)
        _ = pool.ended(0, at: 2000)
        #expect(pool.due(at: 2000) == 11_000)
        #expect(pool.tick(at: 11_000) == [.stop(pool.id(1))])
        #expect(pool.due(at: 11_000) == 12_000)
        #expect(pool.tick(at: 12_000) == [.stop(pool.id(0))])
        #expect(pool.due(at: 12_000) == nil)
    }

    @Test func theNextTryIsDueAfterTheBackoff() {
        var pool = Pool()
        _ = pool.request(1) + pool.failed(0)
        #expect(pool.due() == 100)
        #expect(pool.tick(at: 100) == [.start(pool.id(1))])
        #expect(pool.due(at: 100) == 30_000, "the start ends by itself, the request does not wait for ever")
    }

    @Test func anAdoptedInstanceIsDueWhenItHasBeenIdle() {
        var pool = Pool(idleSeconds: 10)
        _ = pool.adopt(77)
        #expect(pool.due() == 10_000)
    }

    /// A rollback to a version whose instances hang: what was replaced is no answer to whether it starts.
    @Test func whoWaitsForTheFirstStartIsNotTurnedAwayByInstancesThatWereReplaced() {
        var pool = Pool(concurrency: 1, maxInstances: 1)
        for ordinal in 0..<3 as Range<UInt32> {
            let time = Int64(ordinal) * 60_000
            _ = pool.request(UInt64(ordinal), at: time) + pool.ready(ordinal, at: time)
            _ = pool.ended(ordinal, .timedOut, at: time)
            if ordinal == 2 { _ = pool.request(9, failsFast: true, at: time) }
            let actions = pool.probed(ordinal, isReady: false, at: time)
            #expect(actions.last == .kill(pool.id(ordinal)))
            let next = pool.stopped(ordinal, at: time)
            #expect(next == (ordinal == 2 ? [.start(pool.id(3))] : []))
        }
        #expect(pool.ready(3, at: 120_000) == [.assign(9, pool.instance(3))])
    }

    // MARK: Adoption

    @Test func anAdoptedInstanceServesOnceItHasAnswered() {
        var pool = Pool()
        #expect(pool.adopt(77) == [.probeFound(pool.instance(77))])
        #expect(pool.adopt(77) == [], "once")
        #expect(pool.request(1) == [], "it is waited for, and none is started")
        #expect(pool.probed(77, isReady: true) == [.assign(1, pool.instance(77))])
    }

    @Test func anAdoptedInstanceThatDoesNotAnswerIsReplaced() {
        var pool = Pool(minInstances: 1, maxInstances: 1)
        _ = pool.adopt(77) + pool.open() + pool.request(1)
        #expect(
            pool.probed(77, isReady: false) == [
                .note(pool.id(77), "instance replaced: it did not answer its readiness check"), .kill(pool.id(77)),
            ])
        #expect(pool.stopped(77) == [.start(pool.id(0))], "at once: it says nothing of the version")
    }

    @Test func anAdoptedInstanceCountsForTheMinimum() {
        var pool = Pool(minInstances: 2, maxInstances: 4)
        _ = pool.adopt(77)
        #expect(pool.open() == [.start(pool.id(0))])
        #expect(pool.machine.room == 2)
    }

    @Test func adoptionDoesNotKnowALimit() {
        var pool = Pool(minInstances: 1, maxInstances: 1)
        _ = pool.adopt(77) + pool.adopt(78)
        #expect(pool.open() == [])
        #expect(pool.machine.instanceCount == 2)
        #expect(pool.machine.room == 0)
    }

    @Test func aVersionThatWasReplacedTakesNothingOver() {
        var pool = Pool()
        _ = pool.request(1) + pool.drain()
        #expect(pool.adopt(77) == [])
        #expect(pool.machine.room == 0)
    }
}

/// A pool with short words for its events. Times are milliseconds.
private struct Pool {
    var machine: InstancePool
    let version: VersionKey
    /// Whether no start's turn comes.
    var holdsStarts = false
    private var assigned: [(instance: InstanceID, request: UInt64)] = []

    init(
        concurrency: Int = 16, minInstances: Int = 0, maxInstances: Int = 4, idleSeconds: Int = 300,
        timeoutSeconds: Int = 30, queueLimit: Int = 1000
    ) {
        var config = LimitsConfig()
        config.timeoutSeconds = timeoutSeconds
        config.concurrency = concurrency
        config.minInstances = minInstances
        config.maxInstances = maxInstances
        config.idleSeconds = idleSeconds
        guard let limits = try? Limits(config), let name = try? FunctionName("hello") else {
            preconditionFailure("the test's limits are not valid")
        }
        version = VersionKey(
            function: FunctionKey(namespace: UUIDValue(high: 1, low: 2), name: name), number: 1)
        machine = InstancePool(
            version: version, settings: InstancePool.Settings(limits: limits, queueLimit: queueLimit), firstOrdinal: 0)
    }

    func id(_ ordinal: UInt32) -> InstanceID { InstanceID(version: version, ordinal: ordinal) }

    func instance(_ ordinal: UInt32) -> RunningInstance {
        RunningInstance(id: id(ordinal), version: version, endpoint: .unixSocket("/\(ordinal)"))
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
    mutating func open() -> [InstancePool.Action] { note(machine.onOpen(now: .zero)) }
    mutating func drain() -> [InstancePool.Action] { note(machine.onDrain(now: .zero)) }
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
    fileprivate static let zero = Instant(nanoseconds: 0)
    fileprivate static func milliseconds(_ value: Int64) -> Instant { Instant(nanoseconds: value * 1_000_000) }
}
