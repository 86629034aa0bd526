import Invok
import Testing

@testable import InvokPostgres

@Suite struct ConnectionPoolMachineTests {
    typealias Machine = ConnectionPoolMachine

    let limits: Machine.Limits = {
        var limits = Machine.Limits()
        (limits.connections, limits.waiting) = (2, 3)
        return limits
    }()

    /// So many milliseconds after the start.
    func at(_ milliseconds: Int64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

    /// A machine with one idle connection.
    func connected() -> Machine {
        var machine = Machine(limits: limits)
        _ = machine.onRequest(100, now: at(0))
        _ = machine.onOpened(1, now: at(0))
        #expect(machine.onFinished(1, isUsable: true, now: at(0)) == [])
        return machine
    }

    /// A machine whose first try to reach the server has failed at the start.
    func unreachable() -> Machine {
        var machine = Machine(limits: limits)
        _ = machine.onRequest(100, now: at(0))
        #expect(
            machine.onOpenFailed(1, now: at(0)) == [.report(isReachable: false), .refuse(100, .unreachable)])
        return machine
    }

    @Test func opensAConnectionForTheFirstRequest() {
        var machine = Machine(limits: limits)
        #expect(machine.onRequest(1, now: at(0)) == [.wake(at: at(5000)), .open(1)])
        #expect(machine.onOpened(1, now: at(3)) == [.run(1, on: 1)])
    }

    @Test func usesAnIdleConnectionAgain() {
        var machine = connected()
        #expect(machine.onRequest(1, now: at(1)) == [.run(1, on: 1)])
        #expect(machine.onFinished(1, isUsable: true, now: at(2)) == [])
        #expect(machine.onRequest(2, now: at(3)) == [.run(2, on: 1)])
    }

    @Test func opensNoMoreThanItMay() {
        var machine = Machine(limits: limits)
        #expect(machine.onRequest(1, now: at(0)).contains(.open(1)) == true)
        #expect(machine.onRequest(2, now: at(0)).contains(.open(2)) == true)
        #expect(machine.onRequest(3, now: at(0)) == [.wake(at: at(5000))])
        #expect(machine.openCount == 2)
        #expect(machine.onOpened(2, now: at(1)) == [.run(1, on: 2)])
        #expect(machine.onOpened(1, now: at(1)) == [.run(2, on: 1)])
        #expect(machine.onFinished(1, isUsable: true, now: at(2)) == [.run(3, on: 1)])
    }

    @Test func refusesWhenTooManyWait() {
        var machine = Machine(limits: limits)
        for request in 1...3 { _ = machine.onRequest(UInt64(request), now: at(0)) }
        #expect(machine.onRequest(4, now: at(0)) == [.refuse(4, .tooMany)])
    }

    @Test func nobodyWaitsForLong() {
        var machine = connected()
        _ = machine.onRequest(1, now: at(0))
        _ = machine.onRequest(2, now: at(10))
        _ = machine.onRequest(3, now: at(20))
        #expect(machine.onTime(now: at(5009)) == [])
        #expect(machine.onTime(now: at(5010)) == [.refuse(2, .tooMany)])
        #expect(machine.waitingCount == 1)
    }

    @Test func aLostConnectionTakesTheIdleOnesWithIt() {
        var machine = Machine(limits: limits)
        for request in UInt64(1)...2 { _ = machine.onRequest(request, now: at(0)) }
        _ = machine.onOpened(1, now: at(0))
        _ = machine.onOpened(2, now: at(0))
        #expect(machine.onFinished(2, isUsable: true, now: at(1)) == [])
        #expect(machine.onFinished(1, isUsable: false, now: at(2)) == [.close(1), .close(2)])
        #expect(machine.openCount == 0)
        #expect(machine.onRequest(3, now: at(3)) == [.wake(at: at(5003)), .open(3)])
    }

    @Test func aLostConnectionIsReplacedForWhoWaits() {
        var machine = connected()
        for request in UInt64(1)...3 { _ = machine.onRequest(request, now: at(0)) }
        _ = machine.onOpened(2, now: at(0))
        #expect(machine.onFinished(1, isUsable: false, now: at(1)) == [.close(1), .open(3)])
    }

    @Test func refusesAtOnceWhileTheServerIsAway() {
        var machine = unreachable()
        #expect(machine.onRequest(1, now: at(99)) == [.refuse(1, .unreachable)])
    }

    @Test func oneRequestAtATimeAsksForAServerThatIsAway() {
        var machine = unreachable()
        #expect(machine.onRequest(1, now: at(100)) == [.wake(at: at(5100)), .open(2)])
        #expect(machine.onRequest(2, now: at(101)) == [.refuse(2, .unreachable)])
        #expect(machine.onOpenFailed(2, now: at(102)) == [.refuse(1, .unreachable)])
        // Twice as long as before.
        #expect(machine.onRequest(3, now: at(301)) == [.refuse(3, .unreachable)])
        #expect(machine.onRequest(4, now: at(302)).contains(.open(3)) == true)
        #expect(machine.onOpened(3, now: at(303)) == [.report(isReachable: true), .run(4, on: 3)])
    }

    @Test func triesAreNeverFartherApartThanTheLimit() {
        var machine = unreachable()
        var now: Int64 = 0
        for _ in 0..<40 {
            now += 2000
            let actions = machine.onRequest(1, now: at(now))
            guard case .open(let connection)? = actions.last else {
                Issue.record("no try at \(now): \(actions)")
                return
            }
            _ = machine.onOpenFailed(connection, now: at(now))
        }
    }

    @Test func whoWaitsForABusyConnectionIsNotRefusedWhenAnotherCannotBeOpened() {
        var machine = connected()
        _ = machine.onRequest(1, now: at(0))
        #expect(machine.onRequest(2, now: at(0)).contains(.open(2)) == true)
        #expect(machine.onOpenFailed(2, now: at(1)) == [.report(isReachable: false)])
        #expect(machine.onFinished(1, isUsable: true, now: at(2)) == [.run(2, on: 1)])
    }

    @Test func whoWaitsIsRefusedWhenTheLastConnectionOfAnUnreachableServerIsLost() {
        var machine = connected()
        _ = machine.onRequest(1, now: at(0))
        _ = machine.onRequest(2, now: at(0))
        _ = machine.onOpenFailed(2, now: at(1))
        #expect(machine.onFinished(1, isUsable: false, now: at(2)) == [.close(1), .refuse(2, .unreachable)])
    }

    @Test func closingRefusesWhoWaitsAndLetsOthersFinish() {
        var machine = Machine(limits: limits)
        for request in UInt64(1)...3 { _ = machine.onRequest(request, now: at(0)) }
        _ = machine.onOpened(1, now: at(0))
        _ = machine.onOpened(2, now: at(0))
        #expect(machine.onFinished(2, isUsable: true, now: at(0)) == [.run(3, on: 2)])
        #expect(machine.onFinished(2, isUsable: true, now: at(0)) == [])
        #expect(machine.onClose() == [.close(2)])
        #expect(machine.onRequest(4, now: at(1)) == [.refuse(4, .closed)])
        #expect(machine.onFinished(1, isUsable: true, now: at(2)) == [.close(1)])
        #expect(machine.openCount == 0)
    }
}
