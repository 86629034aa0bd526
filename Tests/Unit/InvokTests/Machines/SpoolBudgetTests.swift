import Testing

@testable import Invok

struct SpoolBudgetTests {
    private func budget() -> SpoolBudget<String> {
        SpoolBudget(.init(files: 3, filesPerOwner: 2, bytes: 100, bytesPerOwner: 60))
    }

    @Test func filesAreCountedForEachAndInAll() throws {
        var budget = budget()
        try budget.open("ann")
        try budget.open("ann")
        #expect(throws: SpoolBudget<String>.Refusal.own) { try budget.open("ann") }
        try budget.open("bob")
        #expect(throws: SpoolBudget<String>.Refusal.all) { try budget.open("bob") }
        budget.close("ann", bytes: 0)
        try budget.open("bob")
        #expect(budget.files == 3)
    }

    @Test func bytesAreCountedForEachAndInAll() throws {
        var budget = budget()
        for owner in ["ann", "bob"] { try budget.open(owner) }
        try budget.add(60, of: "ann")
        #expect(throws: SpoolBudget<String>.Refusal.own) { try budget.add(1, of: "ann") }
        try budget.add(40, of: "bob")
        #expect(throws: SpoolBudget<String>.Refusal.all) { try budget.add(1, of: "bob") }
        budget.close("ann", bytes: 60)
        try budget.add(20, of: "bob")
        budget.close("bob", bytes: 60)
        #expect(budget.files == 0 && budget.bytes == 0)
    }
}
