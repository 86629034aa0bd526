import Testing

@testable import Invok

/// Drives one pool by hand: each event's actions are compared for equality.
struct InstancePoolTests {
    // MARK: From zero

    @Test func firstRequestStartsAnInstanceAndGetsIt() {
        var pool = DrivenPool()
        let id = pool.id(0)
        #expect(pool.request(1) == [.start(id)])
        #expect(pool.ready(0) == [.assign(1, pool.instance(0))])
        #expect(pool.machine.inFlightCount == 1)
    }

    @Test func waitingRequestsStartAsManyInstancesAsTheyNeed() {
        var pool = DrivenPool(concurrency: 2, maxInstances: 3)
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
        var pool = DrivenPool(concurrency: 1, maxInstances: 1)
        _ = (1...3).flatMap { pool.request($0) }
        #expect(pool.ready(0) == [.assign(1, pool.instance(0))])
        #expect(pool.ended(0) == [.assign(2, pool.instance(0))])
        #expect(pool.ended(0) == [.assign(3, pool.instance(0))])
    }

    @Test func requestsArePackedOntoTheOldestInstance() {
        var pool = DrivenPool(concurrency: 1, maxInstances: 2)
        _ = pool.request(1) + pool.request(2) + pool.ready(0) + pool.ready(1)
        _ = pool.ended(0) + pool.ended(1)
        #expect(pool.request(3) == [.assign(3, pool.instance(0))])
        #expect(pool.request(4) == [.assign(4, pool.instance(1))])
    }

    @Test func anInstanceThatEndedBeforeItsStartWasReportedIsNotReady() {
        var pool = DrivenPool(concurrency: 1, maxInstances: 1)
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
        var pool = DrivenPool(queueLimit: 1)
        _ = pool.request(1)
        #expect(pool.request(2) == [.reject(2, .queueFull)])
    }

    @Test func waitingEndsAfterTheQueueWait() {
        var pool = DrivenPool()
        _ = pool.request(1)
        #expect(pool.tick(at: 29_999) == [])
        #expect(pool.tick(at: 30_000) == [.reject(1, .waitedTooLong)])
        #expect(pool.ready(0) == [], "an instance that comes late serves whoever comes next")
    }

    @Test func aCancelledRequestIsNotServed() {
        var pool = DrivenPool()
        _ = pool.request(1)
        #expect(pool.cancelled(1) == [])
        #expect(pool.ready(0) == [])
        #expect(pool.machine.inFlightCount == 0)
    }

    // MARK: Turns

    @Test func aStartThatIsNotNeededAnyMoreIsWithdrawn() {
        var pool = DrivenPool(concurrency: 1)
        pool.holdsStarts = true
        #expect(pool.request(1) + pool.request(2) == [.start(pool.id(0)), .start(pool.id(1))])
        #expect(pool.cancelled(1) == [.withdraw(pool.id(1))], "the latest")
        pool.machine.onStartBegun(pool.id(0))
        #expect(pool.cancelled(2) == [], "it starts already")
        #expect(pool.machine.instanceCount == 1)
    }

    @Test func theMinimumIsNotWithdrawn() {
        var pool = DrivenPool(concurrency: 1, minInstances: 1)
        pool.holdsStarts = true
        #expect(pool.open() == [.start(pool.id(0))])
        #expect(pool.request(1) == [])
        #expect(pool.cancelled(1) == [])
        #expect(pool.drain() == [.withdraw(pool.id(0)), .drained])
    }

    @Test func afterAFailureOneStartAtATimeWaits() {
        var pool = DrivenPool(concurrency: 1)
        _ = pool.request(1)
        pool.holdsStarts = true
        _ = pool.request(2) + pool.request(3)
        #expect(pool.failed(0) == [.withdraw(pool.id(2)), .withdraw(pool.id(1))])
        #expect(pool.tick(at: 100) == [.start(pool.id(3))])
        #expect(pool.tick(at: 101) == [])
    }

    @Test func whatIsIdleMayGoForOthersButNotTheMinimum() {
        var pool = DrivenPool(concurrency: 1, minInstances: 1, maxInstances: 3)
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
        var pool = DrivenPool(concurrency: 1)
        _ = pool.request(1) + pool.ready(0) + pool.ended(0) + pool.request(2)
        #expect(pool.reclaim(0) == [])
    }

    // MARK: Idle

    @Test func idleInstancesStopAfterTheIdleTime() {
        var pool = DrivenPool(idleSeconds: 10)
        _ = pool.request(1) + pool.ready(0) + pool.ended(0, at: 1000)
        #expect(pool.tick(at: 10_999) == [])
        #expect(pool.tick(at: 11_000) == [.stop(pool.id(0))])
        #expect(pool.machine.instanceCount == 1, "it counts until it is gone")
        _ = pool.stopped(0)
        #expect(pool.machine.instanceCount == 0)
    }

    @Test func aBusyInstanceIsNotIdle() {
        var pool = DrivenPool(idleSeconds: 10)
        _ = pool.request(1) + pool.ready(0)
        #expect(pool.tick(at: 100_000) == [])
    }

    @Test func theMinimumIsKeptAndTheYoungestGoFirst() {
        var pool = DrivenPool(concurrency: 1, minInstances: 1, maxInstances: 3, idleSeconds: 10)
        #expect(pool.open() == [.start(pool.id(0))])
        _ = pool.ready(0) + pool.request(1) + pool.request(2) + pool.ready(1) + pool.ended(0) + pool.ended(1)
        #expect(pool.tick(at: 60_000) == [.stop(pool.id(1))])
        #expect(pool.stopped(1) == [])
        #expect(pool.tick(at: 90_000) == [])
    }

    @Test func theMinimumIsRestoredAfterACrash() {
        var pool = DrivenPool(minInstances: 1)
        _ = pool.open() + pool.ready(0)
        #expect(pool.exited(0) == [], "not before the backoff is over")
        #expect(pool.tick(at: 100) == [.start(pool.id(1))])
    }

    @Test func theLimitHoldsWhileInstancesStop() {
        var pool = DrivenPool(maxInstances: 1, idleSeconds: 1)
        _ = pool.request(1) + pool.ready(0) + pool.ended(0)
        #expect(pool.tick(at: 1000) == [.stop(pool.id(0))])
        #expect(pool.request(2) == [], "the old one still counts")
        #expect(pool.stopped(0) == [.start(pool.id(1))])
    }
}
