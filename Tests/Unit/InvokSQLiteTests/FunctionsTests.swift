import Invok
import Testing

@testable import InvokSQLite

@Suite(.timeLimit(.minutes(1)))
struct FunctionsTests {
    let files: TemporaryStore
    let store: SQLiteMetadataStore

    init() async throws {
        files = try TemporaryStore()
        store = try files.open()
        for number in 1...2 as ClosedRange<UInt64> { _ = try await store.createUser(someUser(number)) }
    }

    @Test func functionsAreListedByNameWithTheirActiveVersion() async throws {
        let second = try await store.deploy(key("b"))
        let first = try await store.deploy(key("a"))
        _ = try await store.beginVersion(draft(key("c")), access: .public)
        _ = try await store.deploy(key("a", in: id(2)))

        let records = try await store.functions(in: id(1))
        #expect(records.map(\.function.key.name.description) == ["a", "b", "c"])
        #expect(records.map(\.active?.key) == [first.key, second.key, nil])
        #expect(records[0].active?.state == .ready(bundle: bundle("\(first.key)")))
        #expect(records[2].function.access == .public)
        #expect(try await store.functions(in: id(3)) == [])
    }

    @Test func activeFunctionsAreThoseOfEveryNamespaceThatHaveOne() async throws {
        _ = try await store.deploy(key("b", in: id(2)))
        _ = try await store.deploy(key("z"))
        _ = try await store.beginVersion(draft(key("c")), access: .public)
        #expect(try await store.activeFunctions().map(\.function.key) == [key("z"), key("b", in: id(2))])
    }

    @Test func accessIsSetWithItsTime() async throws {
        _ = try await store.beginVersion(draft(key()), access: .private)
        try await store.setAccess(.public, of: key(), at: laterTime)
        let function = try await store.function(key())
        #expect(
            try function
                == Function(
                    key: key(), access: .public, activeVersion: nil, createdAt: someTime, updatedAt: laterTime))
        await #expect(throws: StoreError.notFound) {
            try await store.setAccess(.public, of: key("other"), at: laterTime)
        }
        await #expect(throws: StoreError.notFound) {
            try await store.setAccess(.public, of: key(in: id(2)), at: laterTime)
        }
    }

    @Test func deletingTakesTheVersionsAndKeepsTheNumbers() async throws {
        _ = try await store.deploy(key())
        let last = try await store.beginVersion(draft(key()), access: .private)
        let foreign = try await store.deploy(key(in: id(2)))
        try await store.deleteFunction(key())

        #expect(try await store.function(key()) == nil)
        #expect(try await store.versions(of: key()) == [])
        #expect(try await store.unfinishedVersions() == [])
        #expect(try await store.function(key(in: id(2)))?.activeVersion == foreign.key.number)
        await #expect(throws: StoreError.notFound) { try await store.deleteFunction(key()) }
        let next = try await store.beginVersion(draft(key()), access: .public)
        #expect(next.key.number == last.key.number + 1)
        #expect(try await store.function(key())?.access == .public)
        #expect(try await store.function(key())?.activeVersion == nil)
    }

    @Test func numbersAreKeptOverARestart() async throws {
        _ = try await store.deploy(key())
        try await store.deleteFunction(key())
        try store.close()
        let reopened = try files.open()
        #expect(try await reopened.beginVersion(draft(key()), access: .private).key.number == 2)
    }
}
