import InvokSim
import Testing

struct SimWaitsTests {
    @Test func namesWhatGoesOn() async {
        let waits = SimWaits()
        let seen = await waits.during("the first") { await waits.during("the second") { waits.reasons } }
        #expect(seen == ["the first", "the second"])
        #expect(waits.reasons == [])
    }
}
