import Invok
import Testing

/// What every `ArtifactStore` promises.
@Suite(.timeLimit(.minutes(1)))
struct ArtifactStoreContract {
    typealias Store = Candidate<Durable<any ArtifactStore>>

    @Test(arguments: Store.artifactStores)
    func keepsBytesByTheirDigest(_ candidate: Store) async throws {
        try await candidate.run { store in
            for bytes in [[], [0], Array("a\0\n\r\u{1F600}".utf8), [UInt8](repeating: 0xFF, count: 1 << 20)] {
                let digest = try await store.port.put(bytes)
                #expect(digest == Digest(of: bytes))
                #expect(try await store.port.get(digest) == bytes)
            }
        }
    }

    @Test(arguments: Store.artifactStores)
    func isDurable(_ candidate: Store) async throws {
        try await candidate.run { store in
            let digest = try await store.port.put([1, 2, 3])
            let reopened = try await store.reopen()
            #expect(try await reopened.get(digest) == [1, 2, 3])
            #expect(try await reopened.list() == [digest])
        }
    }

    @Test(arguments: Store.artifactStores)
    func puttingTheSameBytesAgainDoesNothing(_ candidate: Store) async throws {
        try await candidate.run { store in
            let first = try await store.port.put([1, 2, 3])
            let second = try await store.port.put([1, 2, 3])
            #expect(first == second)
            #expect(try await store.port.list() == [first])
        }
    }

    @Test(arguments: Store.artifactStores)
    func getsNothingThatWasNotPut(_ candidate: Store) async throws {
        try await candidate.run { store in
            await #expect(throws: ArtifactError.notFound) { try await store.port.get(Digest(of: [9])) }
        }
    }

    @Test(arguments: Store.artifactStores)
    func removesOneAndDoesNothingWhenThereIsNone(_ candidate: Store) async throws {
        try await candidate.run { store in
            let kept = try await store.port.put([1])
            let removed = try await store.port.put([2])
            try await store.port.remove(removed)
            try await store.port.remove(removed)
            await #expect(throws: ArtifactError.notFound) { try await store.port.get(removed) }
            #expect(try await store.port.list() == [kept])
            #expect(try await store.port.put([2]) == removed)
            #expect(try await store.port.get(removed) == [2])
        }
    }

    @Test(arguments: Store.artifactStores)
    func listsAllThatIsKept(_ candidate: Store) async throws {
        try await candidate.run { store in
            #expect(try await store.port.list().isEmpty)
            var digests: Set<Digest> = []
            for byte in UInt8(0)..<50 { digests.insert(try await store.port.put([byte])) }
            #expect(try await store.port.list() == digests)
        }
    }

    @Test(arguments: Store.artifactStores)
    func servesManyAtOnce(_ candidate: Store) async throws {
        try await candidate.run { store in
            try await withThrowingTaskGroup(of: Digest.self) { group in
                // Pairs put the same bytes at the same time.
                for index in 0..<40 { group.addTask { try await store.port.put([UInt8(index / 2)]) } }
                for try await digest in group { #expect(try await store.port.get(digest).count == 1) }
            }
            #expect(try await store.port.list().count == 20)
        }
    }
}
