import Testing

@testable import Invok

/// Tunnels take a place as requests do, and keep an instance that is on its way out only for a while.
struct InstancePoolTunnelTests {
    /// In milliseconds.
    private static let limit: Int64 = 50_000

    /// A pool whose first instance has these requests, of which the first is a tunnel.
    private func pool(requests: UInt64 = 1, concurrency: Int = 16) -> DrivenPool {
        var pool = DrivenPool(concurrency: concurrency, idleSeconds: 10)
        for id in 1...requests { _ = pool.request(id) }
        _ = pool.ready(0)
        #expect(pool.upgraded(1, on: 0) == [])
        return pool
    }

    @Test func aTunnelTakesAPlaceAndIsNotIdle() {
        var pool = pool(concurrency: 1)
        #expect(pool.request(2) == [.start(pool.id(1))])
        #expect(pool.tick(at: 29_000) == [] && pool.machine.inFlightCount == 1)
        #expect(pool.ended(0, at: 29_000) == [.assign(2, pool.instance(0))])
    }

    @Test func anInstanceThatStaysWaitsForItsTunnels() {
        var pool = pool()
        #expect(pool.due(at: 1000) == nil && pool.tick(at: 10 * Self.limit) == [])
    }

    @Test func aVersionThatDrainsWaitsForItsTunnelsOnlySoLong() {
        var pool = pool()
        #expect(pool.drain(at: 1000) == [])
        #expect(pool.due(at: 1000) == 1000 + Self.limit)
        #expect(pool.tick(at: 999 + Self.limit) == [])
        #expect(pool.tick(at: 1000 + Self.limit) == [.stop(pool.id(0))])
        // The word of the tunnel's end comes when it likes.
        #expect(pool.ended(0, at: 1001 + Self.limit) == [])
        #expect(pool.stopped(0, at: 1002 + Self.limit) == [.drained])
    }

    @Test func aTunnelThatEndsBeforeIsNotWaitedFor() {
        var pool = pool()
        _ = pool.drain(at: 1000)
        #expect(pool.ended(0, at: 2000) == [.stop(pool.id(0))])
    }

    /// Requests are finished, whatever runs beside them.
    @Test func requestsAreWaitedForAllTheSame() {
        var pool = pool(requests: 2)
        _ = pool.drain(at: 1000)
        #expect(pool.due(at: 1000) == nil, "the request's end is an event")
        #expect(pool.tick(at: 2 * Self.limit) == [])
        #expect(
            pool.machine.onRequestEnded(
                2, on: pool.id(0), outcome: .answered, now: .milliseconds(3 * Self.limit)) == [.stop(pool.id(0))])
    }

    @Test func aVersionThatComesBackKeepsItsTunnels() {
        var pool = pool()
        _ = pool.drain(at: 1000) + pool.open(at: 2000)
        #expect(pool.tick(at: 2 * Self.limit) == [])
        // Its time begins anew.
        _ = pool.drain(at: 2 * Self.limit)
        #expect(pool.tick(at: 3 * Self.limit - 1) == [] && pool.tick(at: 3 * Self.limit) == [.stop(pool.id(0))])
    }

    /// An instance that is replaced is on its way out, too.
    @Test func aReplacedInstanceWaitsForItsTunnelsOnlySoLong() {
        var pool = pool(requests: 2)
        let now = Instant.milliseconds(1000)
        _ = pool.machine.onRequestEnded(2, on: pool.id(0), outcome: .timedOut, now: now)
        #expect(pool.probed(0, isReady: false, at: 1000).contains { if case .note = $0 { true } else { false } })
        #expect(pool.due(at: 1000) == 1000 + Self.limit)
        #expect(pool.tick(at: 1000 + Self.limit) == [.kill(pool.id(0))])
    }
}
