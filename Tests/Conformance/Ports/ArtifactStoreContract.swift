import Invok
import Testing

/// What every `ArtifactStore` promises.
@Suite(.timeLimit(.minutes(1)))
struct ArtifactStoreContract {
    typealias Store = Candidate<Artifacts>
    /// Ends within a part of a store that keeps parts.
    private static let large = (0..<(5 << 19) + 7).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 11) }

    private func read(_ store: any ArtifactStore, _ digest: Digest) async throws -> [UInt8] {
        try await store.open(digest).beginning(.max)
    }

    @Test(arguments: Store.artifactStores)
    func keepsBytesByTheirDigest(_ candidate: Store) async throws {
        try await candidate.run { store in
            let samples = [
                [], [0], Array("a\0\n\r\u{1F600}".utf8), [UInt8](repeating: 0xFF, count: 1 << 20), Self.large,
            ]
            for bytes in samples {
                let digest = try await store.store.put(bytes)
                #expect(digest == Digest(of: bytes))
                #expect(try await read(store.store, digest) == bytes)
            }
        }
    }

    @Test(arguments: Store.artifactStores)
    func isDurable(_ candidate: Store) async throws {
        try await candidate.run { store in
            let digest = try await store.store.put([1, 2, 3])
            let reopened = try await store.reopen()
            #expect(try await read(reopened, digest) == [1, 2, 3])
            #expect(try await reopened.list() == [digest])
        }
    }

    @Test(arguments: Store.artifactStores)
    func puttingTheSameBytesAgainDoesNothing(_ candidate: Store) async throws {
        try await candidate.run { store in
            let first = try await store.store.put([1, 2, 3])
            let second = try await store.store.put([1, 2, 3])
            #expect(first == second)
            #expect(try await store.store.list() == [first])
        }
    }

    @Test(arguments: Store.artifactStores)
    func getsNothingThatWasNotPut(_ candidate: Store) async throws {
        try await candidate.run { store in
            await #expect(throws: ArtifactError.notFound) { try await store.store.open(Digest(of: [9])) }
        }
    }

    @Test(arguments: Store.artifactStores)
    func removesOneAndDoesNothingWhenThereIsNone(_ candidate: Store) async throws {
        try await candidate.run { store in
            let kept = try await store.store.put([1])
            let removed = try await store.store.put([2])
            try await store.store.remove(removed)
            try await store.store.remove(removed)
            await #expect(throws: ArtifactError.notFound) { try await store.store.open(removed) }
            #expect(try await store.store.list() == [kept])
            #expect(try await store.store.put([2]) == removed)
            #expect(try await read(store.store, removed) == [2])
        }
    }

    @Test(arguments: Store.artifactStores)
    func listsAllThatIsKept(_ candidate: Store) async throws {
        try await candidate.run { store in
            #expect(try await store.store.list().isEmpty)
            var digests: Set<Digest> = []
            for byte in UInt8(0)..<50 { digests.insert(try await store.store.put([byte])) }
            #expect(try await store.store.list() == digests)
        }
    }

    /// Also at its very end, which whoever reads it would reach last.
    @Test(arguments: Store.artifactStores)
    func whatIsDamagedIsNotOpenedAndMendedWhenPutAgain(_ candidate: Store) async throws {
        try await candidate.run { store in
            for bytes in [[1, 2, 3], Self.large] {
                let digest = try await store.store.put(bytes)
                try await store.damage(digest)
                await #expect(throws: ArtifactError.corrupt) { try await store.store.open(digest) }
                #expect(try await store.store.put(bytes) == digest)
                #expect(try await read(store.store, digest) == bytes)
            }
        }
    }

    /// What is being read does not go away under the reader.
    @Test(arguments: Store.artifactStores)
    func whatIsOpenStaysReadable(_ candidate: Store) async throws {
        try await candidate.run { store in
            let source = try await store.store.open(try await store.store.put(Self.large))
            try await store.store.remove(Digest(of: Self.large))
            #expect(try await store.store.list().isEmpty)
            #expect(source.count == Self.large.count)
            #expect(try source.read(1_048_570..<1_048_580) == Array(Self.large[1_048_570..<1_048_580]))
        }
    }

    /// One that cannot be read to its end is not kept.
    @Test(arguments: Store.artifactStores)
    func whatCannotBeReadIsNotKept(_ candidate: Store) async throws {
        try await candidate.run { store in
            let error = await #expect(throws: ArtifactError.self) {
                try await store.store.put(BrokenSource(whole: 3 << 20))
            }
            #expect(error == .unavailable("it broke off"))
            let kept = try await store.store.list()
            #expect(kept.isEmpty)
        }
    }

    @Test(arguments: Store.artifactStores)
    func servesManyAtOnce(_ candidate: Store) async throws {
        try await candidate.run { store in
            try await withThrowingTaskGroup(of: Digest.self) { group in
                // Pairs put the same bytes at the same time.
                for index in 0..<40 { group.addTask { try await store.store.put([UInt8(index / 2)]) } }
                for try await digest in group { #expect(try await store.store.open(digest).count == 1) }
            }
            #expect(try await store.store.list().count == 20)
        }
    }
}

/// Cannot be read to its end.
private struct BrokenSource: ByteSource {
    let count: Int

    init(whole count: Int) { self.count = count }

    func read(_ range: Range<Int>) throws(InvokError) -> [UInt8] {
        guard range.upperBound < count else { throw InvokError(.unavailable, "away", inner: "it broke off") }
        return [UInt8](repeating: 7, count: range.count)
    }
}
