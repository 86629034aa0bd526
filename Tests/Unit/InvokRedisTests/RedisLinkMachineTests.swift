import Invok
import Testing

@testable import InvokRedis

@Suite struct RedisLinkMachineTests {
    typealias Machine = RedisLinkMachine

    /// So many milliseconds after the start.
    func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    func open() -> Machine {
        var machine = Machine()
        #expect(machine.next(now: at(0)) == .open)
        #expect(machine.onOpened(now: at(0)) == false)
        return machine
    }

    @Test func commandsWaitForTheFirstOpening() {
        var machine = Machine()
        #expect(machine.onCommand(1, now: at(0)) == true)
        #expect(machine.next(now: at(0)) == .open)
        _ = machine.onOpened(now: at(900))
        // Their time begins when they can be sent.
        #expect(!machine.isOverdue(now: at(1500)))
        #expect(machine.next(now: at(1500)) == .serve(until: at(1900)))
        #expect(machine.onReply() == 1)
        #expect(machine.pendingCount == 0)
    }

    @Test func repliesBelongToCommandsInTheirOrder() {
        var machine = open()
        for command in UInt64(1)...3000 { #expect(machine.onCommand(command, now: at(0)) == true) }
        for command in UInt64(1)...3000 { #expect(machine.onReply() == command) }
        #expect(machine.onReply() == nil)
    }

    @Test func aFirstOpeningThatFailsTellsWhoWaited() {
        var machine = Machine()
        _ = machine.onCommand(1, now: at(0))
        #expect(machine.onLost(now: at(5)) == .init(failed: [1], isNews: true))
        #expect(machine.onCommand(2, now: at(6)) == false)
        #expect(machine.next(now: at(6)) == .rest(until: at(55)))
        #expect(machine.next(now: at(55)) == .open)
    }

    @Test func whileThereIsNoLinkCommandsAreRefusedAtOnce() {
        var machine = open()
        #expect(machine.onCommand(1, now: at(1)) == true)
        #expect(machine.onCommand(2, now: at(1)) == true)
        #expect(machine.onReply() == 1)
        #expect(machine.onLost(now: at(2)) == .init(failed: [2], isNews: true))
        #expect(machine.onCommand(3, now: at(3)) == false)
        #expect(machine.next(now: at(52)) == .open)
        #expect(machine.onCommand(4, now: at(53)) == false)
        // No news any more.
        #expect(machine.onLost(now: at(60)) == .init(failed: [], isNews: false))
        #expect(machine.next(now: at(60)) == .rest(until: at(160)))
        #expect(machine.next(now: at(160)) == .open)
        #expect(machine.onOpened(now: at(161)) == true)
        #expect(machine.onCommand(5, now: at(162)) == true)
    }

    @Test func triesAreNeverFartherApartThanTheLimit() {
        var machine = open()
        for second in Int64(0)..<100 {
            _ = machine.onLost(now: at(second * 1000))
            #expect(machine.next(now: at(second * 1000 + 1000)) == .open)
        }
    }

    @Test func aServerThatDoesNotAnswerIsOverdue() {
        var machine = open()
        #expect(!machine.isOverdue(now: at(100_000)))
        _ = machine.onCommand(1, now: at(0))
        _ = machine.onCommand(2, now: at(500))
        #expect(!machine.isOverdue(now: at(999)))
        #expect(machine.isOverdue(now: at(1000)))
        _ = machine.onReply()
        #expect(!machine.isOverdue(now: at(1000)))
        #expect(machine.isOverdue(now: at(1500)))
    }

    @Test func takesNoMoreThanItMay() {
        var limits = Machine.Limits()
        limits.pending = 2
        var machine = Machine(limits: limits)
        #expect(machine.onCommand(1, now: at(0)) == true)
        #expect(machine.onCommand(2, now: at(0)) == true)
        #expect(machine.onCommand(3, now: at(0)) == false)
    }

    @Test func closingTellsWhoWaits() {
        var machine = open()
        _ = machine.onCommand(1, now: at(0))
        #expect(machine.onClose() == [1])
        #expect(machine.next(now: at(0)) == .end)
        #expect(machine.onCommand(2, now: at(0)) == false)
        #expect(machine.onLost(now: at(1)) == .init(failed: [], isNews: false))
        #expect(machine.next(now: at(0)) == .end)
    }
}
