import Invok
import Testing

@testable import InvokProxy

struct ConnectionTableTests {
    private let a = AddressRange("10.0.0.1")
    private let b = AddressRange("10.0.0.2")

    @Test func theLongestIdleOfAnAddressMakesRoom() {
        var table = ConnectionTable<Int>(limit: 100, limitPerAddress: 2)
        #expect(table.onOpened(1, from: a) == .admitted && table.onOpened(2, from: a) == .admitted)
        #expect(table.onOpened(3, from: b) == .admitted)
        // The first has been used since.
        table.onBusy(1)
        table.onIdle(1)
        #expect(table.onOpened(4, from: a) == .admittedInsteadOf(2))
        table.onBusy(1)
        table.onBusy(4)
        #expect(table.onOpened(5, from: a) == .refused)
        #expect(table.count == 3)
        table.onClosed(4)
        #expect(table.onOpened(5, from: a) == .admitted)
    }

    @Test func theLongestIdleOfAllMakesRoom() {
        var table = ConnectionTable<Int>(limit: 3, limitPerAddress: 100)
        for id in 1...3 { #expect(table.onOpened(id, from: a) == .admitted) }
        table.onBusy(1)
        #expect(table.onOpened(4, from: b) == .admittedInsteadOf(2))
        table.onIdle(1)
        #expect(table.onOpened(5, from: b) == .admittedInsteadOf(3))
        for id in [1, 4, 5] { table.onBusy(id) }
        #expect(table.onOpened(6, from: b) == .refused && table.count == 3)
    }

    @Test func aCrowdOfNewOnesDoesNotReplaceWhoHasBeenAnswered() {
        var table = ConnectionTable<Int>(limit: 4, limitPerAddress: 100)
        for id in 1...2 {
            #expect(table.onOpened(id, from: a) == .admitted)
            table.onBusy(id)
            table.onIdle(id)
        }
        for id in 3...4 { #expect(table.onOpened(id, from: b) == .admitted) }
        for id in 5..<50 { #expect(table.onOpened(id, from: b) == .admittedInsteadOf(id - 2)) }
        // Where all have been answered, the one that has been idle for longest goes.
        for id in 48...49 {
            table.onBusy(id)
            table.onIdle(id)
        }
        #expect(table.onOpened(50, from: b) == .admittedInsteadOf(1))
        #expect(table.onOpened(51, from: b) == .admittedInsteadOf(50))
    }

    @Test func ofAnAddressTooThoseThatWereAnsweredGoLast() {
        var table = ConnectionTable<Int>(limit: 100, limitPerAddress: 2)
        #expect(table.onOpened(1, from: a) == .admitted)
        table.onBusy(1)
        table.onIdle(1)
        #expect(table.onOpened(2, from: a) == .admitted)
        #expect(table.onOpened(3, from: a) == .admittedInsteadOf(2))
    }

    @Test func whoHasNoLimitOfItsOwnHasTheOneOfAll() {
        var table = ConnectionTable<Int>(limit: 5, limitPerAddress: 1)
        for id in 1...5 { #expect(table.onOpened(id, from: nil) == .admitted) }
        #expect(table.onOpened(6, from: nil) == .admittedInsteadOf(1))
    }

    @Test func nothingIsKeptOfWhatHasGone() {
        var table = ConnectionTable<Int>(limit: 3, limitPerAddress: 3)
        for id in 0..<10_000 {
            #expect(table.onOpened(id, from: a) == .admitted)
            table.onBusy(id)
            table.onIdle(id)
            table.onClosed(id)
            table.onIdle(id)
            table.onClosed(id)
        }
        #expect(table.count == 0 && table.remembered < 200)
    }
}
