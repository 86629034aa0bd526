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
                "1 3d2e90a516a180af15864393c83f4aa66b20d51c17d642a5fee26d5f9904c09d",
                "2 ada10919df8d0fe4e89c414e04a4e645875f43516f971ab3b03932a7833cef54",
                "3 72d0b6debc6705ac00a616b97e2033561289ec05d9cefe234c9d27e3b918615c",
                "4 9d3fb02b56b262a6490cb953acd105c62563bb28c7a4a2e895a50a6abfc7672b",
                "5 9444983da97ccd5a3ce84f8ea81f9cdd6420e6641c08b5fff5c31f036184deb7",
                "6 a7acf9944140a0f015783f4df9f19fb994d28e405d0402d59d70da4549fc1454",
            ])
    }
}
