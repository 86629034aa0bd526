import Testing

@testable import InvokPostgres

@Suite struct SchemaTests {
    @Test func numbersCountFromOne() {
        #expect(Schema.current.migrations.map(\.number) == Array(1...Schema.current.migrations.count))
    }

    /// A released step never changes. Whoever changes it must write a new one instead, and add that one's digest here.
    @Test func releasedStepsAreUnchanged() {
        #expect(
            Schema.current.migrations.map { "\($0.number) \($0.digest)" } == [
                "1 b82b4b36d380c438b39ac324f4d89968d49da196d8abb9bbfef7fc18cf2a64bc"
            ])
    }
}
