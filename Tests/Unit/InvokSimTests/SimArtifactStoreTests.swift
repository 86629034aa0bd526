import Invok
import Testing

@testable import InvokSim

struct SimArtifactStoreTests {
    @Test func whatAVersionNamesIsNotRemoved() async throws {
        let (artifacts, store) = (SimArtifactStore(), SimMetadataStore())
        artifacts.keepNamed(in: store)
        let user = User(
            id: UserID(high: 1, low: 1), email: try Email("a@example.com"), passwordHash: "", role: .developer,
            createdAt: Timestamp(millisecondsSinceEpoch: 0))
        _ = try await store.createUser(user)
        let (named, other) = (try await artifacts.put([1]), try await artifacts.put([2]))
        let settings = VersionSettings(runtime: .python, environment: try Environment([:]), limits: .standard)
        let key = FunctionKey(namespace: user.id, name: try FunctionName("hello"))
        _ = try await store.beginVersion(
            VersionDraft(
                function: key, artifact: named, settings: settings, createdBy: user.id,
                createdAt: Timestamp(millisecondsSinceEpoch: 0)),
            access: .private)
        for digest in [named, other] { try await artifacts.remove(digest) }
        #expect(try await artifacts.list() == [named])
    }
}
