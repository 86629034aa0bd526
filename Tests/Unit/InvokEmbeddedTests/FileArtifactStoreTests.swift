import Foundation
import Invok
import InvokEmbedded
import Testing

@Suite(.timeLimit(.minutes(1)))
struct FileArtifactStoreTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func namesFilesByTheirDigestInFoldersOfItsFirstDigits() async throws {
        let digest = try await FileArtifactStore(directory: folder.path).put([1, 2, 3])
        #expect(folder.files == ["\(digest.description.prefix(2))/\(digest)"])
    }

    @Test func removesWhatACrashLeftHalfWritten() async throws {
        let digest = try await FileArtifactStore(directory: folder.path).put([1])
        try Data([9]).write(to: URL(filePath: "\(folder.path)/tmp/17"))
        let store = try FileArtifactStore(directory: folder.path)
        #expect(folder.files == ["\(digest.description.prefix(2))/\(digest)"])
        #expect(try await store.list() == [digest])
    }

    @Test func saysThatAFileIsDamagedAndMendsItWhenPutAgain() async throws {
        let store = try FileArtifactStore(directory: folder.path)
        let digest = try await store.put([1, 2, 3])
        try folder.append("x", to: "\(digest.description.prefix(2))/\(digest)")
        await #expect(throws: ArtifactError.corrupt) { try await store.open(digest) }
        #expect(try await store.put([1, 2, 3]) == digest)
        #expect(try await store.open(digest).beginning(.max) == [1, 2, 3])
    }

    @Test func listsOnlyWhatIsNamedLikeADigest() async throws {
        let store = try FileArtifactStore(directory: folder.path)
        let digest = try await store.put([1])
        try Data().write(to: URL(filePath: "\(folder.path)/\(digest.description.prefix(2))/README"))
        #expect(try await store.list() == [digest])
    }

    @Test func aFullDiskChangesNothing() async throws {
        let disk = try SmallDisk(kilobytes: 256)
        let store = try FileArtifactStore(directory: disk.folder.path)
        let kept = try await store.put([1, 2, 3])
        let large = [UInt8](repeating: 7, count: 1 << 20)
        await #expect(throws: ArtifactError.full) { try await store.put(large) }
        #expect(try await store.list() == [kept])
        #expect(try await store.open(kept).beginning(.max) == [1, 2, 3])
        await #expect(throws: ArtifactError.notFound) { try await store.open(Digest(of: large)) }
        #expect(disk.folder.files == ["\(kept.description.prefix(2))/\(kept)"])
        // The room is free again.
        _ = try await store.put([UInt8](repeating: 8, count: 100_000))
    }

    @Test func saysThatItsFolderCannotBeMade() throws {
        try Data().write(to: URL(filePath: "\(folder.path)/file"))
        let error = #expect(throws: ArtifactError.self) {
            try FileArtifactStore(directory: "\(folder.path)/file/artifacts")
        }
        guard case .unavailable(let reason)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(reason.contains("\(folder.path)/file"))
    }
}
