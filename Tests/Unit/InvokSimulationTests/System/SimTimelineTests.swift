import Invok
import Testing

@testable import InvokSim
@testable import InvokSimulation

struct SimTimelineTests {
    @Test func remembersWhatWasWhen() {
        var timeline = SimTimeline("a")
        timeline.set("b", at: Instant(nanoseconds: 10))
        timeline.set("b", at: Instant(nanoseconds: 15))
        timeline.set("c", at: Instant(nanoseconds: 20))
        #expect(timeline.last == "c")
        #expect(timeline.held(since: Instant(nanoseconds: 20)) { $0 == "b" })
        #expect(!timeline.held(since: Instant(nanoseconds: 21)) { $0 == "b" })
        #expect(timeline.held(since: Instant(nanoseconds: 21)) { $0 == "c" })
        #expect(timeline.held(since: nil) { $0 == "a" })
        #expect(!timeline.held(since: nil) { $0 == "d" })
    }
}
