import Invok
import Testing

@testable import InvokSandbox

@Suite struct LimitEnforcementTests {
    typealias Machine = LimitEnforcement.Machine

    static let machine = Machine(hasOwnUsers: false, kernel: "6.1.0-13-amd64", showsUse: true)

    @Test func controlGroupsComeFirst() {
        for machine in [Self.machine, Machine(hasOwnUsers: true, kernel: "4.19", showsUse: false)] {
            let enforcement = LimitEnforcement(missing: [.cpu], on: machine)
            #expect(enforcement.memory == .controlGroup && enforcement.processes == .controlGroup)
            #expect(enforcement.refusal == nil && enforcement.warnings.isEmpty)
        }
    }

    @Test func eachIsReplacedByItself() {
        let memory = LimitEnforcement(missing: [.memory], on: Self.machine)
        #expect(memory.memory == .watch && memory.processes == .controlGroup && memory.warnings.count == 1)
        let processes = LimitEnforcement(missing: [.pids], on: Self.machine)
        #expect(processes.memory == .controlGroup && processes.processes == .count && processes.warnings.count == 1)
        #expect(memory.refusal == nil && processes.refusal == nil)
    }

    /// Before Linux 5.14 the limit would be one for all of a user's processes, in all sandboxes and outside.
    @Test(arguments: [
        ("5.14.0", true), ("5.15.0-91-generic", true), ("6.0", true), ("10.1", true), ("5.13.19", false),
        ("5.4", false), ("4.19.0-26", false), ("", false),
    ])
    func countsOneUsersProcessesOnlyWhereTheKernelCountsThemApart(kernel: String, counts: Bool) {
        var machine = Self.machine
        machine.kernel = kernel
        let enforcement = LimitEnforcement(missing: [.memory, .pids, .cpu], on: machine)
        #expect(enforcement.processes == (counts ? .count : .nothing))
        #expect(enforcement.countsProcesses == counts)
        machine.hasOwnUsers = true
        #expect(LimitEnforcement(missing: [.pids], on: machine).processes == .count)
    }

    @Test func refusesWhereNothingLimitsAndSaysWhatToDo() throws {
        let machine = Machine(hasOwnUsers: false, kernel: "4.4.0", showsUse: false)
        let enforcement = LimitEnforcement(missing: [.memory, .pids, .cpu], on: machine)
        #expect(enforcement.unlimited == ["memory", "processes"])
        let refusal = try #require(enforcement.refusal)
        for word in ["memory and processes", "INVOK_ALLOW_UNLIMITED=1", "Delegate=yes"] {
            #expect(refusal.contains(word), "\(word)")
        }
        #expect(enforcement.warnings.count == 2 && enforcement.warnings.allSatisfy { $0.contains("nothing limits") })
    }

    @Test func leavesRoomForWhatRuntimesMap() {
        #expect(Runtime.go.mappedSlack(concurrency: 10) == 192 << 20)
        #expect(Runtime.nodejs.mappedSlack(concurrency: 10) == 704 << 20)
        #expect(Runtime.python.mappedSlack(concurrency: 10) == 144 << 20)
    }

    @Test func knowsThisMachine() {
        #expect(Machine.this.showsUse)
        #expect(Machine.this.kernel.first?.isNumber == true)
    }
}
