import Invok
import Testing

@testable import InvokSQLite

@Suite(.timeLimit(.minutes(1)))
struct UsersTests {
    let files: TemporaryStore
    let store: SQLiteMetadataStore

    init() throws {
        files = try TemporaryStore()
        store = try files.open()
    }

    @Test(arguments: Role.allCases)
    func theFirstUserBecomesAdmin(role: Role) async throws {
        let first = try await store.createUser(someUser(1, role: role))
        let second = try await store.createUser(someUser(2, role: role))
        #expect(first.role == .admin)
        #expect(second.role == role)
        #expect(try await store.user(id(1)) == first)
        #expect(try await store.user(withEmail: second.email) == second)
    }

    @Test func oneOfManyAtOnceBecomesAdmin() async throws {
        let store = self.store
        let roles = try await withThrowingTaskGroup(of: Role.self) { group in
            for number in 1...20 as ClosedRange<UInt64> {
                group.addTask { try await store.createUser(someUser(number)).role }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(roles.count { $0 == .admin } == 1)
    }

    @Test func oneOfManyGetsTheEmail() async throws {
        let store = self.store
        let made = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 1...20 as ClosedRange<UInt64> {
                group.addTask {
                    do {
                        _ = try await store.createUser(someUser(number, email: "same@example.com"))
                        return true
                    } catch StoreError.conflict {
                        return false
                    }
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(made == 1)
    }

    @Test func aTakenEmailOrIdentifierIsAConflict() async throws {
        let user = try await store.createUser(someUser(1))
        for other in [try someUser(2, email: "USER1@example.com"), try someUser(1, email: "other@example.com")] {
            await #expect(throws: StoreError.conflict("the email or the identifier is taken")) {
                try await store.createUser(other)
            }
        }
        #expect(try await store.user(id(1)) == user)
        #expect(try await store.user(id(2)) == nil)
    }

    @Test func aStrangerIsNil() async throws {
        #expect(try await store.user(id(7)) == nil)
        #expect(try await store.user(withEmail: Email("nobody@example.com")) == nil)
        #expect(try await store.grant(namespace: id(7), user: id(8)) == nil)
        #expect(try await store.grants(namespace: id(7)) == [])
    }

    @Test func updateReplacesWhatMayChange() async throws {
        var user = try await store.createUser(someUser(1))
        user.passwordHash = "$scrypt$'; DROP TABLE user; --"
        user.role = .viewer
        user.isDisabled = true
        try await store.updateUser(user)
        #expect(try await store.user(id(1)) == user)
        await #expect(throws: StoreError.notFound) { try await store.updateUser(someUser(2)) }
    }

    @Test func grantsAreAddedChangedAndRemoved() async throws {
        for number in 1...3 as ClosedRange<UInt64> { _ = try await store.createUser(someUser(number)) }
        try await store.putGrant(Grant(namespace: id(1), user: id(3), role: .viewer))
        try await store.putGrant(Grant(namespace: id(1), user: id(2), role: .viewer))
        try await store.putGrant(Grant(namespace: id(1), user: id(3), role: .admin))
        try await store.putGrant(Grant(namespace: id(2), user: id(3), role: .developer))
        #expect(
            try await store.grants(namespace: id(1)) == [
                Grant(namespace: id(1), user: id(2), role: .viewer), Grant(namespace: id(1), user: id(3), role: .admin),
            ])
        try await store.removeGrant(namespace: id(1), user: id(3))
        try await store.removeGrant(namespace: id(1), user: id(3))
        #expect(try await store.grant(namespace: id(1), user: id(3)) == nil)
        #expect(try await store.grant(namespace: id(2), user: id(3))?.role == .developer)
    }

    @Test func aGrantNeedsItsUser() async throws {
        _ = try await store.createUser(someUser(1))
        await #expect(throws: StoreError.notFound) {
            try await store.putGrant(Grant(namespace: id(1), user: id(2), role: .viewer))
        }
    }
}
