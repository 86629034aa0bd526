import Testing

@testable import Invok

/// What becomes of a pool's instances when they are to be replaced.
struct InstancePoolRestartTests {
    @Test func theOldServeUntilANewOneIsReadyAndFinishWhatTheyHave() {
        var pool = DrivenPool(concurrency: 2, maxInstances: 1)
        _ = pool.request(1) + pool.ready(0)
        #expect(pool.restart(1) == [.start(pool.id(1))], "one more than the limit")
        #expect(pool.request(2) == [.assign(2, pool.instance(0))])
        #expect(pool.ready(1) == [])
        #expect(pool.request(3) == [.assign(3, pool.instance(1))])
        #expect(pool.ended(0) == [])
        #expect(pool.ended(0) == [.stop(pool.id(0))])
        #expect(pool.stopped(0) == [])
        #expect(pool.machine.instanceCount == 1)
    }

    @Test func whoeverWaitsGetsAPlaceOfTheNew() {
        var pool = DrivenPool(concurrency: 1, maxInstances: 2)
        _ = pool.request(1) + pool.request(2) + pool.ready(0) + pool.ready(1)
        _ = pool.request(3)
        #expect(pool.restart(1) == [.start(pool.id(2))], "never more than one above the limit")
        #expect(pool.ready(2) == [.assign(3, pool.instance(2))])
        #expect(pool.ended(0) == [.stop(pool.id(0))])
        #expect(pool.request(4) == [], "the limit holds while the old ones end")
        #expect(pool.stopped(0) == [.start(pool.id(3))])
    }

    @Test func nothingStartsWhereNothingRuns() {
        var pool = DrivenPool()
        #expect(pool.restart(1) == [])
        #expect(pool.request(1) == [.start(pool.id(0))])
        _ = pool.ready(0)
        #expect(pool.restart(1) == [], "the same is no news")
    }

    @Test func aStartThatHasBegunIsReplacedAndOneThatWaitsIsNot() {
        var pool = DrivenPool()
        _ = pool.request(1)
        #expect(pool.restart(1) == [.start(pool.id(1))])
        #expect(pool.ready(0) == [.assign(1, pool.instance(0))], "it is good enough for who waits")
        _ = pool.ready(1)
        #expect(pool.ended(0) == [.stop(pool.id(0))])

        pool = DrivenPool()
        pool.holdsStarts = true
        _ = pool.request(1)
        #expect(pool.restart(1) == [])
        pool.machine.onStartBegun(pool.id(0))
        #expect(pool.machine.generation(of: pool.id(0)) == 1)
        #expect(pool.ready(0) == [.assign(1, pool.instance(0))])
        #expect(pool.ended(0) == [])
    }

    @Test func whileTheNewDoNotStartTheOldGoOnAndTriesGetSlower() {
        var pool = DrivenPool(maxInstances: 1)
        _ = pool.request(1) + pool.ready(0)
        _ = pool.restart(1)
        #expect(pool.failed(1) == [])
        #expect(pool.due() == 100, "it is tried again")
        #expect(pool.ended(0) == [])
        #expect(pool.due() == 100, "that the old one works says nothing of the new")
        #expect(pool.request(2) == [.assign(2, pool.instance(0))])
        #expect(pool.tick(at: 100) == [.start(pool.id(2))])
        #expect(pool.ready(2, at: 150) == [])
        #expect(pool.ended(0, at: 200) == [.stop(pool.id(0))])
    }

    @Test func whatAnEarlierCoreLeftIsReplacedWhereItIsOutdated() {
        var pool = DrivenPool(minInstances: 1)
        _ = pool.adopt(7)
        #expect(pool.restart(3) == [.start(pool.id(0))])
        #expect(pool.probed(7, isReady: true) == [])
        #expect(pool.ready(0) == [.stop(pool.id(7))])

        pool = DrivenPool(minInstances: 1)
        _ = pool.machine.onAdopt(pool.instance(7, generation: 3), now: .zero)
        #expect(pool.restart(3) == [])
    }
}
