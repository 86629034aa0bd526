import Testing

@testable import Invok

/// What a pool does about starts that fail and about instances that are dead or sick.
struct InstancePoolFailureTests {
    // MARK: Failures

    @Test func aDeployLearnsOfTheFirstFailure() {
        var pool = DrivenPool()
        #expect(pool.request(1, failsFast: true) == [.start(pool.id(0))])
        #expect(pool.failed(0) == [.reject(1, .failing("broken", retryAfter: .milliseconds(100)))])
    }

    @Test func startsAreTriedAgainEverMoreSlowlyUntilTheCircuitOpens() {
        var pool = DrivenPool()
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
        var pool = DrivenPool(concurrency: 1)
        pool.openCircuit()
        #expect(pool.request(2, at: 700) == [.start(pool.id(3))])
        #expect(pool.request(3, at: 700) == [])
        #expect(pool.machine.instanceCount == 1)
    }

    @Test func anAnswerClosesTheCircuit() {
        var pool = DrivenPool(concurrency: 1)
        pool.openCircuit()
        _ = pool.request(2, at: 700) + pool.ready(3)
        #expect(pool.ended(3, at: 702) == [])
        #expect(pool.exited(3, at: 703) == [])
        #expect(pool.request(4, at: 703) == [], "one failure only: the request waits")
        #expect(pool.tick(at: 803) == [.start(pool.id(4))])
    }

    @Test func theBackoffHasALimit() {
        var pool = DrivenPool()
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
        var pool = DrivenPool()
        _ = pool.request(1) + pool.ready(0) + pool.exited(0)
        #expect(pool.ended(0) == [])
        #expect(pool.machine.inFlightCount == 0)
    }

    @Test(arguments: [true, false])
    func anExitWhileStartingOrStoppingIsLeftToItsOwnEvent(isStarting: Bool) {
        var pool = DrivenPool(idleSeconds: 1)
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
        var pool = DrivenPool(concurrency: 1, maxInstances: 2)
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
        var pool = DrivenPool(concurrency: 2, maxInstances: 1)
        _ = pool.request(1) + pool.request(2) + pool.ready(0)
        #expect(pool.ended(0, .refused) == [.note(pool.id(0), "instance replaced: it took no connection")])
        #expect(pool.request(3) == [], "it waits for the next instance")
        #expect(pool.ended(0, .refused) == [.stop(pool.id(0))])
        #expect(pool.stopped(0, at: 100) == [.start(pool.id(1))])
    }

    @Test func oneThatLeavesAndEndsByItselfCountsOnce() {
        var pool = DrivenPool(concurrency: 2, maxInstances: 1)
        _ = pool.request(1) + pool.request(2) + pool.ready(0) + pool.ended(0, .refused)
        #expect(pool.exited(0) == [])
        #expect(pool.machine.instanceCount == 0)
        _ = pool.request(3)
        #expect(pool.due() == 100, "the backoff of one failure")
    }

    @Test func aTimeoutPutsItInQuarantineUntilItHasAnsweredItsCheck() {
        var pool = DrivenPool(concurrency: 2)
        _ = pool.request(1) + pool.request(2) + pool.ready(0)
        #expect(pool.ended(0, .timedOut) == [.probe(pool.instance(0))])
        #expect(pool.ended(0, .timedOut) == [], "it is asked once")
        #expect(pool.workEnded(1, on: 0) == [])
        #expect(pool.request(3) == [], "no start either: the check takes less")
        #expect(pool.probed(0, isReady: true) == [.assign(3, pool.instance(0))])
    }

    @Test func oneThatDoesNotAnswerItsCheckIsKilledAndReplaced() {
        var pool = DrivenPool(concurrency: 2, minInstances: 1, maxInstances: 2)
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
        var pool = DrivenPool(concurrency: 1, maxInstances: 2)
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
        var pool = DrivenPool(concurrency: 1, maxInstances: 1)
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
        var pool = DrivenPool(concurrency: 1, maxInstances: 1)
        _ = pool.request(1) + pool.ready(0)
        #expect(pool.workEnded(1, on: 0) == [])
        #expect(pool.request(2) == [])
        #expect(pool.ended(0, .abandoned) == [.assign(2, pool.instance(0))])
    }

    @Test(arguments: [(1, 5), (30, 30)])
    func whatWorksForNobodyForTooLongIsReplaced(timeoutSeconds: Int, limit: Int64) {
        var pool = DrivenPool(concurrency: 1, maxInstances: 1, timeoutSeconds: timeoutSeconds)
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
        var pool = DrivenPool(idleSeconds: 1, timeoutSeconds: 10)
        _ = pool.request(1) + pool.ready(0) + pool.ended(0, .abandoned)
        #expect(pool.tick(at: 2000) == [])
        #expect(pool.workEnded(1, on: 0, at: 3000) == [])
        #expect(pool.tick(at: 3999) == [])
        #expect(pool.tick(at: 4000) == [.stop(pool.id(0))])
    }

    @Test(arguments: [InstancePool.Outcome.broken, .abandoned, .unsent])
    func whatIsNotItsFaultAndNoAnswerChangesNothing(outcome: InstancePool.Outcome) {
        var pool = DrivenPool(concurrency: 2)
        _ = pool.request(1) + pool.ready(0)
        #expect(pool.ended(0, outcome) == [])
        #expect(pool.request(2) == [.assign(2, pool.instance(0))])
    }
}
