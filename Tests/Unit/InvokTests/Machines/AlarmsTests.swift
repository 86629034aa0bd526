import Testing

@testable import Invok

struct AlarmsTests {
    private func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    @Test func theFirstIsSetAndRingsSoonAfter() {
        var alarms = Alarms()
        #expect(alarms.cover(at(1230), now: at(0)) == at(1300))
        #expect(alarms.cover(at(1300), now: at(0)) == nil, "the same one")
    }

    @Test func onlyEarlierOnesAreSet() {
        var alarms = Alarms()
        #expect(alarms.cover(at(60_000), now: at(0)) == at(60_000))
        #expect(alarms.cover(at(90_000), now: at(0)) == nil, "what rings before has it looked at again")
        #expect(alarms.cover(at(10_000), now: at(0)) == at(10_000))
        #expect(alarms.cover(at(30_000), now: at(0)) == nil)
    }

    @Test func whatHasRungCoversNothing() {
        var alarms = Alarms()
        _ = alarms.cover(at(60_000), now: at(0))
        _ = alarms.cover(at(10_000), now: at(0))
        alarms.ring(now: at(10_000))
        #expect(alarms.cover(at(70_000), now: at(10_000)) == nil, "the one at 60 s is still set")
        alarms.ring(now: at(60_000))
        #expect(alarms.cover(at(70_000), now: at(60_000)) == at(70_000))
    }

    @Test func whatStaysDueIsLookedAtAgainALittleLater() {
        var alarms = Alarms()
        #expect(alarms.cover(at(500), now: at(1000)) == at(1100))
        alarms.ring(now: at(1100))
        #expect(alarms.cover(at(1100), now: at(1100)) == at(1200))
    }
}
