import Testing

@testable import Invok

struct RateLimiterTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func aBucketBeginsFullAndFillsSteadily() {
        var limiter = RateLimiter<String>(capacity: 10)
        for _ in 0..<4 { #expect(limiter.take("a", limit: 4, per: .seconds(1), now: at(0)) == nil) }
        #expect(limiter.take("a", limit: 4, per: .seconds(1), now: at(0)) == .milliseconds(250))
        #expect(limiter.take("a", limit: 4, per: .seconds(1), now: at(249)) == .milliseconds(1))
        #expect(limiter.take("a", limit: 4, per: .seconds(1), now: at(250)) == nil)
        #expect(limiter.take("a", limit: 4, per: .seconds(1), now: at(250)) != nil)
        #expect(limiter.take("b", limit: 4, per: .seconds(1), now: at(250)) == nil, "another's")
    }

    @Test func noMoreThanTheLimitIsTakenInTheLongRun() {
        var limiter = RateLimiter<String>(capacity: 10)
        let taken = (0..<10_000).count { limiter.take("a", limit: 7, per: .seconds(1), now: at(Int64($0))) == nil }
        #expect((70...77).contains(taken))
    }

    @Test func zeroIsNoneAndMuchIsNoMistake() {
        var limiter = RateLimiter<String>(capacity: 10)
        #expect(limiter.take("a", limit: 0, per: .seconds(1), now: at(0)) == .seconds(1))
        #expect(limiter.take("a", limit: .max - 1, per: .seconds(3600), now: at(0)) == nil)
    }

    @Test func noMoreKeysAreKeptThanItsCapacity() {
        var limiter = RateLimiter<Int>(capacity: 8)
        for _ in 0..<4 { _ = limiter.take(-1, limit: 4, per: .seconds(1000), now: at(0)) }
        for key in 0..<1000 { _ = limiter.take(key, limit: 4, per: .seconds(1), now: at(0)) }
        #expect(limiter.count <= 8)
        let wait = limiter.take(-1, limit: 4, per: .seconds(1000), now: at(0))
        #expect(wait != nil, "who has used most is known longest")
    }

    @Test(arguments: 1...9) func thereIsAlwaysRoomForOneMore(capacity: Int) {
        var limiter = RateLimiter<Int>(capacity: capacity)
        for key in 0..<100 {
            #expect(limiter.take(key, limit: 1, per: .seconds(1), now: at(Int64(key))) == nil)
            #expect(limiter.count <= capacity)
            #expect(limiter.take(key, limit: 1, per: .seconds(1), now: at(Int64(key))) != nil)
        }
    }
}
