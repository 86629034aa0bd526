import Testing

@testable import Invok

/// What a pool does for requests that wait for nothing.
struct InstancePoolWarmTests {
    @Test func aPlaceThatIsFreeIsTakenAtOnce() {
        var pool = DrivenPool(concurrency: 2, maxInstances: 1)
        #expect(pool.machine.takeRoomAtOnce(for: 1) == nil, "nothing runs, and nothing starts for it")
        #expect(pool.machine.instanceCount == 0)
        _ = pool.request(1) + pool.ready(0)
        #expect(pool.machine.takeRoomAtOnce(for: 2) == pool.instance(0))
        #expect(pool.machine.takeRoomAtOnce(for: 3) == nil && pool.machine.waitingCount == 0)
        _ = pool.request(4) + pool.ended(0)
        #expect(pool.machine.takeRoomAtOnce(for: 5) == nil, "the one that waited has the place")
        _ = pool.ended(0)
        _ = pool.drain()
        #expect(pool.machine.takeRoomAtOnce(for: 6) == nil, "another version has taken over")
    }

    /// Whatever has happened to a pool: where a request ends quietly, the general way would have come to nothing else.
    @Test func whatEndsQuietlyHasNoConsequence() {
        #expect((0..<40).reduce(0) { $0 + endRequests(seed: $1) } > 50)
    }

    /// - Returns: how many requests have ended quietly.
    private func endRequests(seed: UInt64) -> Int {
        var random = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func draw(_ bound: UInt64) -> UInt64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return random >> 33 % bound
        }
        var pool = DrivenPool(
            concurrency: Int(1 + draw(3)), minInstances: Int(draw(3)), maxInstances: 3, idleSeconds: 1)
        _ = pool.open()
        var (time, next, quiet) = (Int64(0), UInt64(1), 0)
        var requests: [(id: UInt64, instance: InstanceID)] = []
        for _ in 0..<400 {
            time += Int64(draw(50))
            switch draw(9) {
            case 0, 1, 2:
                if let instance = pool.machine.takeRoomAtOnce(for: next) { requests.append((next, instance.id)) }
                next += 1
            case 3:
                _ = pool.request(next, at: time)
                next += 1
            case 4: _ = pool.ready(UInt32(draw(UInt64(pool.machine.nextOrdinal) + 1)), at: time)
            case 5 where draw(20) == 0: _ = pool.exited(UInt32(draw(UInt64(pool.machine.nextOrdinal) + 1)), at: time)
            case 6: _ = pool.machine.onTick(now: .milliseconds(time))
            default:
                guard !requests.isEmpty else { continue }
                let (id, instance) = requests.remove(at: Int(draw(UInt64(requests.count))))
                let now = Instant.milliseconds(time)
                var (fast, slow) = (pool.machine, pool.machine)
                let actions = slow.onRequestEnded(id, on: instance, outcome: .answered, now: now)
                guard fast.releasesQuietly(id, on: instance, now: now) else {
                    #expect(fast.inFlightCount == pool.machine.inFlightCount, "nothing has happened")
                    pool.machine = slow
                    continue
                }
                quiet += 1
                // An instance that is idle goes at its time, for which there is an alarm.
                let isIdleness = actions.allSatisfy { if case .stop = $0 { true } else { false } }
                #expect(actions.isEmpty || isIdleness && !pool.machine.isAtMinimum)
                #expect(fast.inFlightCount == slow.inFlightCount && fast.waitingCount == slow.waitingCount)
                #expect(fast.nextDue(after: now) == slow.nextDue(after: now) || !actions.isEmpty)
                pool.machine = fast
            }
        }
        return quiet
    }
}
