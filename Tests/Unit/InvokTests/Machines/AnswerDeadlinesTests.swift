import Testing

@testable import Invok

struct AnswerDeadlinesTests {
    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    private func deadlines(timeout: Int = 10, pause: Int = 4, stream: Int = 100) throws -> AnswerDeadlines {
        var config = LimitsConfig()
        (config.timeoutSeconds, config.pauseSeconds, config.streamSeconds) = (timeout, pause, stream)
        return AnswerDeadlines(try Limits(config), now: at(0))
    }

    @Test func theHeadHasItsTime() throws {
        let deadlines = try deadlines()
        #expect(deadlines.expiry(now: at(9)) == nil)
        #expect(deadlines.expiry(now: at(10)) == .head)
    }

    @Test func afterTheHeadPausesCount() throws {
        var deadlines = try deadlines()
        deadlines.onAnswer()
        deadlines.onTaken(now: at(9))
        #expect(deadlines.expiry(now: at(12)) == nil)
        #expect(deadlines.expiry(now: at(13)) == .pause)
        deadlines.onAnswer()
        deadlines.onTaken(now: at(12))
        #expect(deadlines.expiry(now: at(15)) == nil)
    }

    @Test func theClientsTurnsDoNotCount() throws {
        var deadlines = try deadlines()
        deadlines.onRead()
        #expect(deadlines.expiry(now: at(50)) == nil)
        deadlines.onRequestBytes(now: at(50))
        #expect(deadlines.expiry(now: at(59)) == nil)
        #expect(deadlines.expiry(now: at(60)) == .head)
        deadlines.onAnswer()
        #expect(deadlines.expiry(now: at(90)) == nil, "the client has not taken it")
        #expect(deadlines.expiry(now: at(100)) == .stream)
    }

    @Test func allOfItHasItsTime() throws {
        var deadlines = try deadlines(timeout: 10, pause: 4, stream: 6)
        #expect(deadlines.expiry(now: at(6)) == .stream)
        deadlines.onAnswer()
        deadlines.onTaken(now: at(5))
        #expect(deadlines.expiry(now: at(6)) == .stream)
    }

    @Test func inATunnelEveryPauseCounts() throws {
        var deadlines = try deadlines(timeout: 3, pause: 4, stream: 20)
        deadlines.onUpgraded(now: at(2))
        deadlines.onRead()
        #expect(deadlines.expiry(now: at(5)) == nil && deadlines.expiry(now: at(6)) == .pause)
        deadlines.onRequestBytes(now: at(5))
        deadlines.onAnswer()
        #expect(deadlines.expiry(now: at(8)) == nil && deadlines.expiry(now: at(9)) == .pause)
        deadlines.onTaken(now: at(17))
        #expect(deadlines.expiry(now: at(19)) == nil && deadlines.expiry(now: at(20)) == .stream)
    }

    /// Whoever looks when told sees each expiry at its instant, whatever happens meanwhile.
    @Test(arguments: 1...200 as ClosedRange<UInt64>)
    func whoLooksWhenToldMissesNothing(seed: UInt64) throws {
        var random = seed
        func draw(_ count: Int64) -> Int64 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int64(random >> 33) % count
        }
        var deadlines = try deadlines(
            timeout: 1 + Int(draw(20)), pause: 1 + Int(draw(20)), stream: 1 + Int(draw(100)))
        var look = deadlines.nextLook(now: at(0))
        for second in 0...200 {
            let now = at(Int64(second))
            if now >= look {
                if deadlines.expiry(now: now) != nil { return }
                look = deadlines.nextLook(now: now)
                #expect(look > now)
            }
            #expect(deadlines.expiry(now: now) == nil, "it is over, and nobody looks before \(look)")
            switch draw(8) {
            case 0: deadlines.onRead()
            case 1: deadlines.onRequestBytes(now: now)
            case 2: deadlines.onAnswer()
            case 3: deadlines.onTaken(now: now)
            default: break
            }
        }
        Issue.record("it never ends")
    }
}
