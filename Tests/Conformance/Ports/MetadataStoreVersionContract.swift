import Invok
import Testing

/// What every `MetadataStore` promises about the life of versions.
@Suite(.timeLimit(.minutes(1)))
struct MetadataStoreVersionContract {
    typealias Store = Candidate<Durable<any MetadataStore>>

    @Test(arguments: Store.metadataStores)
    func beginningAVersionMakesTheFunction(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let (key, draft) = (try Sample.key(), try Sample.draft(Sample.key()))
            let version = try await store.beginVersion(draft, access: .public)
            #expect(
                version
                    == Version(
                        key: VersionKey(function: key, number: 1), artifact: draft.artifact, settings: draft.settings,
                        createdBy: Sample.ann, createdAt: draft.createdAt))
            #expect(try await store.version(version.key) == version)
            let function = Function(
                key: key, access: .public, createdAt: draft.createdAt, updatedAt: draft.createdAt)
            #expect(try await store.function(key) == function)
            // The access is for a new function only.
            #expect(try await store.beginVersion(draft, access: .private).key.number == 2)
            #expect(try await store.function(key)?.access == .public)
            #expect(try await store.unfinishedVersions().map(\.key.number) == [1, 2])
        }
    }

    @Test(arguments: Store.metadataStores)
    func beginsNothingInANamespaceWithoutUser(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            try await fixture.port.addUsers()
            let key = try Sample.key(Sample.nobody)
            await #expect(throws: StoreError.notFound) {
                try await fixture.port.beginVersion(Sample.draft(key), access: .private)
            }
            #expect(try await fixture.port.function(key) == nil)
        }
    }

    @Test(arguments: Store.metadataStores)
    func numbersAreGivenOnceAlsoToManyAtOnce(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            try await fixture.port.addUsers()
            let numbers = try await withThrowingTaskGroup(of: Int.self) { group in
                for content in UInt8(0)..<20 {
                    group.addTask {
                        try await fixture.port.beginVersion(Sample.draft(Sample.key(), content), access: .private).key
                            .number
                    }
                }
                return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
            }
            #expect(numbers == Set(1...20))
        }
    }

    @Test(arguments: Store.metadataStores)
    func activatingMakesReadyAndActiveTogether(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let version = try await store.deploy(Sample.key(), access: .public)
            let stored = try #require(try await store.version(version))
            #expect(stored.state == .ready(bundle: Sample.bundle()))
            #expect(stored.buildLog == "built 1")
            let function = try #require(try await store.function(Sample.key()))
            #expect(function.activeVersion == 1)
            #expect(function.access == .public)
            #expect(function.createdAt == Sample.time(2))
            #expect(function.updatedAt == Sample.time(3))
            #expect(try await store.unfinishedVersions().isEmpty)
            // Without an access the function keeps its own.
            try await store.deploy(Sample.key(), 2, expectedActive: 1)
            #expect(try await store.function(Sample.key())?.access == .public)
        }
    }

    @Test(arguments: Store.metadataStores)
    func aSlowDeployDoesNotUndoANewerOne(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let slow = try await store.beginVersion(Sample.draft(Sample.key()), access: .private).key
            try await store.deploy(Sample.key(), 2)
            await expectConflict {
                try await store.activateBuilt(
                    slow, bundle: Sample.bundle(), buildLog: "late", expectedActive: nil, access: .public,
                    at: Sample.time(9))
            }
            // Nothing was changed.
            #expect(try await store.version(slow)?.state == .building)
            #expect(try await store.version(slow)?.buildLog == "")
            let function = try #require(try await store.function(Sample.key()))
            #expect(function.activeVersion == 2 && function.access == .private && function.updatedAt == Sample.time(3))
        }
    }

    @Test(arguments: Store.metadataStores)
    func activatesWhatIsBuildingOnly(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let ready = try await store.deploy(Sample.key())
            let failed = try await store.beginVersion(Sample.draft(Sample.key(), 2), access: .private).key
            try await store.failVersion(failed, reason: "broken", buildLog: "log")
            for version in [ready, failed] {
                await expectConflict {
                    try await store.activateBuilt(
                        version, bundle: Sample.bundle(9), buildLog: "", expectedActive: 1, access: nil,
                        at: Sample.time(9))
                }
            }
            for version in [
                VersionKey(function: try Sample.key(), number: 99),
                VersionKey(function: try Sample.key(Sample.bob), number: 1),
            ] {
                await #expect(throws: StoreError.notFound) {
                    try await store.activateBuilt(
                        version, bundle: Sample.bundle(9), buildLog: "", expectedActive: 1, access: nil,
                        at: Sample.time(9))
                }
            }
            #expect(try await store.version(ready)?.bundle == Sample.bundle())
        }
    }

    @Test(arguments: Store.metadataStores)
    func oneOfManyActivationsWins(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            try await store.deploy(Sample.key())
            let won = await withTaskGroup(of: Bool.self) { group in
                for content in UInt8(2)...11 {
                    group.addTask {
                        (try? await store.deploy(Sample.key(), content, expectedActive: 1)) != nil
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(won == 1)
        }
    }

    @Test(arguments: Store.metadataStores)
    func rollsBackToAReadyVersion(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let first = try await store.deploy(Sample.key())
            try await store.deploy(Sample.key(), 2, expectedActive: 1)
            try await store.activate(first, expectedActive: 2, at: Sample.time(8))
            #expect(try await store.function(Sample.key())?.activeVersion == 1)
            #expect(try await store.function(Sample.key())?.updatedAt == Sample.time(8))
            #expect(try await store.versions(of: Sample.key()).map(\.key.number) == [2, 1])
            await expectConflict { try await store.activate(first, expectedActive: 2, at: Sample.time(9)) }
            let building = try await store.beginVersion(Sample.draft(Sample.key(), 3), access: .private).key
            await expectConflict { try await store.activate(building, expectedActive: 1, at: Sample.time(9)) }
            await #expect(throws: StoreError.notFound) {
                try await store.activate(
                    VersionKey(function: Sample.key(), number: 99), expectedActive: 1, at: Sample.time(9))
            }
            #expect(try await store.function(Sample.key())?.updatedAt == Sample.time(8))
        }
    }

    @Test(arguments: Store.metadataStores)
    func failsWhatIsBuildingOnly(_ candidate: Store) async throws {
        try await candidate.run { fixture in
            let store = fixture.port
            try await store.addUsers()
            let ready = try await store.deploy(Sample.key())
            let building = try await store.beginVersion(Sample.draft(Sample.key(), 2), access: .private).key
            for version in [ready, building, VersionKey(function: try Sample.key(), number: 99)] {
                try await store.failVersion(version, reason: "it is broken", buildLog: "line 1\nline 2")
            }
            #expect(try await store.version(ready)?.state == .ready(bundle: Sample.bundle()))
            let failed = try #require(try await store.version(building))
            #expect(failed.state == .failed(reason: "it is broken"))
            #expect(failed.buildLog == "line 1\nline 2")
            try await store.failVersion(building, reason: "again", buildLog: "")
            #expect(try await store.version(building) == failed)
            #expect(try await store.unfinishedVersions().isEmpty)
        }
    }
}
