import InvokSim
import Testing

@testable import InvokSimulation

struct SimShrinkerTests {
    @Test func keepsOnlyWhatTheFailureNeeds() {
        var failing = SystemSimulation.Configuration(seed: 1)
        failing.users = 20
        let smallest = SimShrinker.shrink(failing) { $0.faults.contains(.coreCrash) && $0.users >= 3 }
        #expect(smallest.faults == [.coreCrash])
        #expect(smallest.mischief == [])
        #expect(smallest.users == 3)
        #expect(smallest.functions == 1)
        #expect(smallest.cores == 1)
        #expect(smallest.duration == .seconds(12))
        #expect(smallest.seed == 1)
    }

    @Test func leavesWhatCannotBeSmaller() {
        let failing = SystemSimulation.Configuration(seed: 1)
        #expect(SimShrinker.shrink(failing) { _ in false } == failing)
    }
}
