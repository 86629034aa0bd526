import Testing

@testable import Invok

struct ReconciliationTests {
    private let one: VersionKey
    private let two: VersionKey

    init() throws {
        let function = FunctionKey(namespace: UUIDValue(high: 1, low: 2), name: try FunctionName("hello"))
        one = VersionKey(function: function, number: 1)
        two = VersionKey(function: function, number: 2)
    }

    private func instance(_ version: VersionKey, _ ordinal: UInt32) -> RunningInstance {
        RunningInstance(
            id: InstanceID(version: version, ordinal: ordinal), version: version, endpoint: .unixSocket("/\(ordinal)"),
            share: Resources(.standard))
    }

    private func plan(
        listed: [RunningInstance], expected: [RunningInstance] = [], owned: [RunningInstance] = [],
        wanted: [VersionKey: Int] = [:]
    ) -> Reconciliation.Plan {
        Reconciliation.plan(listed: listed, expected: expected, owned: Set(owned.map(\.id)), wanted: wanted)
    }

    @Test func whatBelongsToAVersionIsTakenOverAndTheRestIsStopped() {
        let (kept, stranger) = (instance(two, 1), instance(one, 1))
        #expect(
            plan(listed: [stranger, kept], wanted: [two: .max])
                == Reconciliation.Plan(adopt: [kept], stop: [stranger], lost: []))
    }

    @Test func aCoreThatStartsTakesOverWhateverNumberThereIs() {
        let all = (1...100 as ClosedRange<UInt32>).map { instance(one, $0) }
        #expect(plan(listed: all, wanted: [one: .max]).adopt == all)
    }

    @Test func aCoreThatRunsTakesOverNoMoreThanThereIsRoomFor() {
        let all = (1...3 as ClosedRange<UInt32>).map { instance(one, $0) }
        #expect(
            plan(listed: all, wanted: [one: 2])
                == Reconciliation.Plan(adopt: [all[0], all[1]], stop: [all[2]], lost: []))
        #expect(plan(listed: all, wanted: [one: 0]).stop == all)
    }

    @Test func whatIsOwnedIsLeftAlone() {
        let own = instance(one, 1)
        #expect(plan(listed: [own], expected: [own], owned: [own]) == Reconciliation.Plan())
        #expect(plan(listed: [own], owned: [own], wanted: [one: 5]) == Reconciliation.Plan())
    }

    @Test func whatIsNotListedAnyMoreIsLost() {
        let (there, gone) = (instance(one, 1), instance(one, 2))
        #expect(
            plan(listed: [there], expected: [there, gone], owned: [there, gone], wanted: [one: 1])
                == Reconciliation.Plan(adopt: [], stop: [], lost: [gone]))
    }
}
