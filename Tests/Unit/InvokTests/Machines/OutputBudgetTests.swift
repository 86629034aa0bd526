import Invok
import Testing

@Suite struct OutputBudgetTests {
    @Test func dropsWhatIsOverAndSaysHowMuch() {
        let start = Instant(nanoseconds: 0)
        var budget = OutputBudget(bytesPerSecond: 100, now: start)
        #expect(budget.spend(100, now: start) == .keep)
        #expect(budget.spend(30, now: start) == .startDropping)
        #expect(budget.spend(12, now: start) == .drop)
        #expect(budget.spend(1, now: start.advanced(by: .seconds(1))) == .keepAfterGap(bytes: 42))
        #expect(budget.takeGap() == nil)
    }
}
