import Testing

@testable import Invok

struct CallLedgerTests {
    private func key(_ number: Int) throws -> FunctionKey {
        FunctionKey(namespace: UUIDValue(high: 1, low: 2), name: try FunctionName("f\(number)"))
    }

    private let call = CallRecord(status: 200, duration: .milliseconds(1))

    @Test func functionsBeyondTheLimitAreCountedTogether() throws {
        var table = CallTable(limit: 2)
        #expect(table.isEmpty)
        for number in [1, 2, 3, 1, 4] {
            let place = table.place(of: try key(number))
            table.record(call, at: place)
        }
        table.recordStray(call)
        #expect(table.functions.map(\.counts.calls) == [2, 1])
        #expect(table.others?.calls == 2 && table.strays?.calls == 1)
        #expect(!table.isEmpty)
    }

    @Test func whatIsTakenInTwiceIsThereTwice() throws {
        var table = CallTable(limit: 4)
        let place = table.place(of: try key(1))
        table.record(call, at: place)
        var ledger = CallLedger(limit: 4, historyBytes: 1 << 20)
        ledger.absorb(table)
        ledger.absorb(table)
        #expect(ledger.functions[try key(1)]?.calls.calls == 2)
    }

    @Test func theLedgerHasALimitToo() throws {
        var ledger = CallLedger(limit: 2, historyBytes: 1 << 20)
        for number in 1...5 {
            var table = CallTable(limit: 2)
            let place = table.place(of: try key(number))
            table.record(call, at: place)
            ledger.absorb(table)
        }
        #expect(ledger.functions.count == 2)
        #expect(ledger.others.calls.calls == 3)
    }

    @Test func nothingIsLostOfFunctionsThatAreGone() throws {
        var (table, ledger) = (CallTable(limit: 4), CallLedger(limit: 4, historyBytes: 1 << 20))
        for number in 1...3 {
            let place = table.place(of: try key(number))
            table.record(call, at: place)
        }
        ledger.absorb(table)
        ledger.onStart(of: try key(2), after: .milliseconds(20), isReady: true)
        ledger.onStart(of: try key(2), after: .milliseconds(20), isReady: false)
        let kept = try key(1)
        ledger.keep { $0 == kept }
        #expect(Array(ledger.functions.keys) == [kept])
        #expect(ledger.others.calls.calls == 2)
        #expect(ledger.others.starts == CallLedger.Starts(begun: 2, failed: 1))
        #expect(ledger.startDurations.count == 1, "a start that failed says nothing of how long one takes")
    }
}
