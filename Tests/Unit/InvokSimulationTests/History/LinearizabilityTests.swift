import InvokSim
import Testing

@testable import InvokSimulation

/// A register that tells what it held before.
private enum Register: SequentialModel {
    enum Call: Sendable { case read, write(Int) }

    static var initial: Int { 0 }

    static func apply(_ call: Call, to state: inout Int) -> Int {
        guard case .write(let value) = call else { return state }
        state = value
        return value
    }

    static func isRead(_ call: Call, giving outcome: Int) -> Bool {
        if case .read = call { true } else { false }
    }
}

struct LinearizabilityTests {
    private typealias Check = Linearizability<Register>
    private typealias Entry = RecordedCall<Register.Call, Int>

    private static func read(_ value: Int, _ began: Int, _ ended: Int) -> Entry {
        Entry(.read, began: began, ended: ended, outcome: value)
    }

    private static func write(_ value: Int, _ began: Int, _ ended: Int?, isKnown: Bool = true) -> Entry {
        Entry(.write(value), began: began, ended: ended, outcome: isKnown ? value : nil)
    }

    @Test func nothingHappened() {
        #expect(Check.check([]) == .linearizable)
    }

    @Test func oneAfterTheOther() {
        #expect(
            Check.check([Self.write(1, 1, 2), Self.read(1, 3, 4), Self.write(2, 5, 6), Self.read(2, 7, 8)])
                == .linearizable)
    }

    @Test func aReadDuringAWriteMayGiveEither() {
        for value in [0, 1] {
            #expect(Check.check([Self.write(1, 1, 4), Self.read(value, 2, 3)]) == .linearizable)
        }
        #expect(Check.check([Self.write(1, 1, 4), Self.read(2, 2, 3)]) == .violated(at: 1))
    }

    /// The known bad histories: each breaks what the name says, and nothing else.
    @Test func aStaleRead() {
        #expect(Check.check([Self.write(1, 1, 2), Self.read(0, 3, 4)]) == .violated(at: 1))
    }

    @Test func aReadThatGoesBack() {
        let history = [Self.write(1, 1, 10), Self.read(1, 2, 3), Self.read(0, 4, 5)]
        #expect(Check.check(history) == .violated(at: 2))
    }

    @Test func aLostWrite() {
        let history = [Self.write(1, 1, 2), Self.write(2, 3, 4), Self.read(1, 5, 6)]
        #expect(Check.check(history) == .violated(at: 2))
    }

    /// Two readers may not see two writes in different orders.
    @Test func writesInTwoOrders() {
        let history = [
            Self.write(1, 1, 20), Self.write(2, 2, 21), Self.read(1, 3, 4), Self.read(2, 5, 6), Self.read(1, 7, 8),
        ]
        #expect(Check.check(history) == .violated(at: 4))
    }

    @Test func aWriteOfUnknownOutcomeMayHappenLaterOrNever() {
        let write = Self.write(1, 1, 2, isKnown: false)
        #expect(Check.check([write, Self.read(0, 3, 4), Self.read(0, 5, 6)]) == .linearizable)
        #expect(Check.check([write, Self.read(0, 3, 4), Self.read(1, 5, 6)]) == .linearizable)
        #expect(Check.check([write, Self.read(1, 3, 4), Self.read(0, 5, 6)]) == .violated(at: 2))
        #expect(Check.check([Self.write(1, 1, nil, isKnown: false), Self.read(1, 9, 10)]) == .linearizable)
    }

    @Test func manyReadsDuringWritesCostLittle() {
        let reads = (1...30).map { Self.read($0 % 3, 0, 100 + $0) }
        #expect(Check.check([Self.write(1, 1, 50), Self.write(2, 2, 51)] + reads, width: 50) == .linearizable)
        #expect(
            Check.check([Self.write(1, 1, 50), Self.write(2, 2, 51)] + reads + [Self.read(4, 3, 52)], width: 50)
                == .violated(at: 32))
    }

    /// A write of what is there already is no read: its time may come later.
    @Test func aWriteThatChangesNothingNowMayDoSoLater() {
        #expect(
            Check.check([
                Self.write(1, 1, 2), Self.write(1, 3, 20), Self.read(1, 4, 5), Self.write(2, 6, 7),
                Self.read(1, 21, 22),
            ]) == .linearizable)
    }

    @Test func tooManyOrdersAreUndecided() {
        let writes = (1...12).map { Self.write($0, $0, 100 + $0) }
        #expect(Check.check(writes + [Self.read(3, 50, 60)], width: 50) == .undecided)
        #expect(Check.check(writes + [Self.read(3, 50, 60)], width: 1_000_000) == .linearizable)
    }
}
