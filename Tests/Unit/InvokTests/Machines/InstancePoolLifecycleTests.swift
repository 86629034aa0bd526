import Testing

@testable import Invok

/// A pool from its adoption of instances until it is drained, and when it wants to be asked again.
struct InstancePoolLifecycleTests {
    // MARK: When something is due

    @Test func nothingIsDueWhileNothingWaits() {
        var pool = DrivenPool(minInstances: 1)
        #expect(pool.due() == nil)
        _ = pool.open()
        #expect(pool.due() == nil, "a start ends by itself")
        _ = pool.ready(0)
        #expect(pool.due() == nil, "the minimum stays")
    }

    @Test func aWaitingRequestIsDueAtItsLimit() {
        var pool = DrivenPool()
        _ = pool.request(1, at: 500)
        #expect(pool.due(at: 500) == 30_500)
        _ = pool.ready(0, at: 600)
        #expect(pool.due(at: 600) == nil)
    }

    @Test func theIdleAreDueInTheirOrder() {
        var pool = DrivenPool(concurrency: 1, idleSeconds: 10)
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
        var pool = DrivenPool()
        _ = pool.request(1) + pool.failed(0)
        #expect(pool.due() == 100)
        #expect(pool.tick(at: 100) == [.start(pool.id(1))])
        #expect(pool.due(at: 100) == 30_000, "the start ends by itself, the request does not wait for ever")
    }

    @Test func anAdoptedInstanceIsDueWhenItHasBeenIdle() {
        var pool = DrivenPool(idleSeconds: 10)
        _ = pool.adopt(77)
        #expect(pool.due() == 10_000)
    }

    /// A rollback to a version whose instances hang: what was replaced is no answer to whether it starts.
    @Test func whoWaitsForTheFirstStartIsNotTurnedAwayByInstancesThatWereReplaced() {
        var pool = DrivenPool(concurrency: 1, maxInstances: 1)
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
        var pool = DrivenPool()
        #expect(pool.adopt(77) == [.probeFound(pool.instance(77))])
        #expect(pool.adopt(77) == [], "once")
        #expect(pool.request(1) == [], "it is waited for, and none is started")
        #expect(pool.probed(77, isReady: true) == [.assign(1, pool.instance(77))])
    }

    @Test func anAdoptedInstanceThatDoesNotAnswerIsReplaced() {
        var pool = DrivenPool(minInstances: 1, maxInstances: 1)
        _ = pool.adopt(77) + pool.open() + pool.request(1)
        #expect(
            pool.probed(77, isReady: false) == [
                .note(pool.id(77), "instance replaced: it did not answer its readiness check"), .kill(pool.id(77)),
            ])
        #expect(pool.stopped(77) == [.start(pool.id(0))], "at once: it says nothing of the version")
    }

    @Test func anAdoptedInstanceCountsForTheMinimum() {
        var pool = DrivenPool(minInstances: 2, maxInstances: 4)
        _ = pool.adopt(77)
        #expect(pool.open() == [.start(pool.id(0))])
        #expect(pool.machine.room == 2)
    }

    @Test func adoptionDoesNotKnowALimit() {
        var pool = DrivenPool(minInstances: 1, maxInstances: 1)
        _ = pool.adopt(77) + pool.adopt(78)
        #expect(pool.open() == [])
        #expect(pool.machine.instanceCount == 2)
        #expect(pool.machine.room == 0)
    }

    @Test func aVersionThatWasReplacedTakesNothingOver() {
        var pool = DrivenPool()
        _ = pool.request(1) + pool.drain()
        #expect(pool.adopt(77) == [])
        #expect(pool.machine.room == 0)
    }

    // MARK: Draining

    @Test func drainingDoesNotWaitForWhatNobodyWaitsFor() {
        var pool = DrivenPool(concurrency: 1, maxInstances: 1)
        _ = pool.request(1) + pool.ready(0) + pool.ended(0, .abandoned)
        #expect(pool.drain() == [.stop(pool.id(0))])
        #expect(pool.stopped(0) == [.drained])
    }

    @Test func drainingServesWhatWaitsAndThenGoes() {
        var pool = DrivenPool(concurrency: 1, maxInstances: 1)
        _ = pool.request(1) + pool.request(2) + pool.ready(0)
        #expect(pool.drain() == [])
        #expect(pool.request(3) == [.reject(3, .retired)])
        #expect(pool.ended(0) == [.assign(2, pool.instance(0))])
        #expect(pool.ended(0) == [.stop(pool.id(0))])
        #expect(pool.stopped(0) == [.drained])
        #expect(pool.tick(at: 1000) == [], "it says so once")
    }

    @Test func drainingAnEmptyPoolIsDoneAtOnce() {
        var pool = DrivenPool(minInstances: 1)
        #expect(pool.drain() == [.drained])
    }

    @Test func drainingStopsAnInstanceThatBecomesReadyTooLate() {
        var pool = DrivenPool()
        _ = pool.request(1)
        _ = pool.cancelled(1)
        #expect(pool.drain() == [])
        #expect(pool.ready(0) == [.stop(pool.id(0))])
        #expect(pool.stopped(0) == [.drained])
    }

    @Test func aDrainedVersionCanOpenAgain() {
        var pool = DrivenPool()
        _ = pool.drain()
        #expect(pool.open() == [])
        #expect(pool.request(1) == [.start(pool.id(0))])
    }
}
