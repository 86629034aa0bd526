import Invok
import Testing

@testable import InvokSim
@testable import InvokSimulation

struct RecordingMetadataStoreTests {
    private let history = StoreHistory()
    private let store: RecordingMetadataStore
    private let key: FunctionKey

    init() async throws {
        let inner = SimMetadataStore()
        store = RecordingMetadataStore(inner, into: history)
        let user = User(
            id: UserID(high: 1, low: 1), email: try Email("a@example.com"), passwordHash: "", role: .developer,
            createdAt: Self.time)
        _ = try await store.createUser(user)
        key = FunctionKey(namespace: user.id, name: try FunctionName("hello"))
    }

    private static let time = Timestamp(millisecondsSinceEpoch: 0)
    private static let bundle = BundleID(Digest(of: [1]))

    private func deploy() async throws -> VersionKey {
        let settings = VersionSettings(runtime: .python, environment: try Environment([:]), limits: .standard)
        let draft = VersionDraft(
            function: key, artifact: Digest(of: [1]), settings: settings, createdBy: key.namespace,
            createdAt: Self.time)
        return try await store.beginVersion(draft, access: .private).key
    }

    private func activate(_ version: VersionKey, expected: Int?) async throws {
        try await store.activateBuilt(
            version, bundle: Self.bundle, buildLog: "", expectedActive: expected, access: .public, at: Self.time)
    }

    @Test func theModelAgreesWithTheStore() async throws {
        let first = try await deploy()
        let second = try await deploy()
        _ = try await store.activeFunctions()
        try await activate(first, expected: nil)
        _ = try await store.activeFunctions()
        await #expect(throws: StoreError.self) { try await activate(second, expected: nil) }
        try await store.failVersion(second, reason: "", buildLog: "")
        let third = try await deploy()
        try await activate(third, expected: 1)
        try await store.activate(first, expectedActive: 3, at: Self.time)
        await #expect(throws: StoreError.self) { try await store.activate(second, expectedActive: 1, at: Self.time) }
        try await store.setAccess(.private, of: key, at: Self.time)
        _ = try await store.function(key)
        _ = try await store.version(second)
        _ = try await store.versions(of: key)
        try await store.deleteFunction(key)
        await #expect(throws: StoreError.notFound) { try await store.deleteFunction(key) }
        await #expect(throws: StoreError.notFound) { try await activate(third, expected: nil) }
        _ = try await store.function(key)
        _ = try await store.activeFunctions()
        _ = try await store.version(first)
        let fourth = try await deploy()
        #expect(fourth.number == 4)
        #expect(history.entries[key]?.count == 22)
        #expect(history.check().violations == [])
        #expect(history.check().undecided == 0)
    }

    /// A list that names a version which was not active then.
    @Test func aListThatIsNotOfOneMomentIsSeen() async throws {
        let history = StoreHistory()
        for (call, outcome) in [
            (.begin(.private), .number(1)), (.active, .function(access: .private, active: 1)),
            (.activateBuilt(1, expectedActive: nil, access: nil), .done),
        ] as [(FunctionModel.Call, FunctionModel.Outcome)] {
            history.end(history.begin(call, about: key), about: key, outcome)
        }
        #expect(history.check().violations.count == 1)
    }

    /// A store that forgets the comparison before it activates lets a slow deploy undo a newer one.
    @Test func aStoreWithoutCompareAndSetIsSeen() async throws {
        let history = StoreHistory()
        for (call, outcome) in [
            (.begin(.private), .number(1)), (.begin(.private), .number(2)),
            (.activateBuilt(2, expectedActive: nil, access: nil), .done),
            (.activateBuilt(1, expectedActive: nil, access: nil), .done),
        ] as [(FunctionModel.Call, FunctionModel.Outcome)] {
            history.end(history.begin(call, about: key), about: key, outcome)
        }
        let violations = history.check().violations
        #expect(violations.count == 1)
        #expect(violations.first?.contains("activateBuilt(1") == true)
    }
}
