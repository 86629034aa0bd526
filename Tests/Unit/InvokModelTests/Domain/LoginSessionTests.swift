import InvokModel
import Testing

struct LoginSessionTests {
    private static func time(_ seconds: Int64) -> Timestamp { Timestamp(millisecondsSinceEpoch: seconds * 1000) }

    private var session = LoginSession(
        id: UUIDValue(high: 1, low: 1), user: UUIDValue(high: 2, low: 2), client: "", address: "",
        createdAt: Self.time(0),
        usedAt: Self.time(0), expiresAt: Self.time(100), renewedAt: Self.time(0))

    @Test mutating func theGoodTokenGivesTheNext() {
        #expect(session.onRefresh(0, lifetime: .seconds(100), now: Self.time(10)) == .renewed)
        #expect(session.generation == 1 && session.renewedAt == Self.time(10) && session.usedAt == Self.time(10))
        #expect(session.expiresAt == Self.time(110))
        #expect(session.onRefresh(1, lifetime: .seconds(100), now: Self.time(11)) == .renewed)
        #expect(session.generation == 2)
    }

    @Test(arguments: [(0, 0, true), (0, 29, true), (0, 30, false), (1, 0, false), (-1, 0, false), (3, 0, false)])
    mutating func theOneBeforeGivesTheSameForAMoment(behind: Int, after: Int64, isRepeated: Bool) {
        for generation in 0..<2 {
            _ = session.onRefresh(generation, lifetime: .seconds(100), now: Self.time(10))
        }
        let before = session
        let generation = behind == 3 ? 5 : 1 - behind
        let expected: LoginSession.Renewal = isRepeated ? .repeated : generation == 2 ? .renewed : .refused
        #expect(session.onRefresh(generation, lifetime: .seconds(100), now: Self.time(10 + after)) == expected)
        if expected != .renewed { #expect(session == before) }
    }

    @Test mutating func whatHasExpiredIsOver() {
        #expect(session.onRefresh(0, lifetime: .seconds(100), now: Self.time(100)) == .refused)
        #expect(session.generation == 0)
    }
}
