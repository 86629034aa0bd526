import InvokSim
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct UploadsTests {
    private let ann = UUIDValue(randomness: SimRandomness(seed: 1))
    private let bob = UUIDValue(randomness: SimRandomness(seed: 2))

    private let disk = SimDisk(clock: SimClock())

    private func uploads(files: Int = 16, bytes: Int = 400, spool: any Spool = SimSpool()) -> Uploads {
        var settings = SystemSettings()
        settings.archiveLimits.archiveBytes = 100
        (settings.spoolFiles, settings.spoolBytes) = (files, bytes)
        return Uploads(spool: spool, reserve: DiskReserve(disk, percent: 5), settings: settings)
    }

    @Test func whatIsReceivedIsReadAndThenGone() async throws {
        let uploads = uploads()
        let bytes = try await uploads.receive(for: ann) { upload in
            try await upload.append([1, 2])
            try await upload.append([3])
            #expect(uploads.held.files == 1 && uploads.held.bytes == 3)
            return try upload.archive.read(0..<upload.archive.count)
        }
        #expect(bytes == [1, 2, 3])
        #expect(uploads.held.files == 0 && uploads.held.bytes == 0)
    }

    @Test func whatFailsIsGoneToo() async throws {
        let uploads = uploads()
        await #expect(throws: InvokError.unauthenticated) {
            try await uploads.receive(for: ann) { upload in
                try await upload.append([1])
                throw InvokError.unauthenticated
            }
        }
        #expect(uploads.held.files == 0 && uploads.held.bytes == 0)
        let failing = FailingSpool()
        let other = self.uploads(spool: failing)
        #expect(await code { try await other.receive(for: ann) { _ in } } == .storageFull)
        #expect(other.held.files == 0)
    }

    @Test func nothingIsReceivedWhileLittleOfTheDiskIsFree() async throws {
        disk.fill(for: .seconds(10))
        let uploads = uploads()
        let error = await #expect(throws: InvokError.self) {
            try await uploads.receive(for: ann) { _ in Issue.record("it was received") }
        }
        #expect(error?.code == .storageFull)
        #expect(error?.message.contains("less than 5 %") == true)
        #expect(error?.nextStep?.contains("INVOK_MIN_FREE_DISK_PERCENT") == true)
        #expect(uploads.held.files == 0)
    }

    private struct FailingSpool: Spool {
        func make() async throws(SpoolError) -> any SpoolFile { throw .full }
    }

    /// One namespace's uploads are its own affair: another's still finds room.
    @Test func bytesAreBoundedForEachNamespaceAndInAll() async throws {
        let uploads = uploads()
        let (ann, bob) = (ann, bob)
        try await uploads.receive(for: ann) { first in
            try await first.append([UInt8](repeating: 0, count: 100))
            let refused = await code { try await uploads.receive(for: ann) { try await $0.append([1]) } }
            #expect(refused == .tooManyRequests)
            try await uploads.receive(for: bob) { try await $0.append([UInt8](repeating: 0, count: 100)) }
        }
        let small = self.uploads(bytes: 100)
        try await small.receive(for: ann) { first in
            try await first.append([UInt8](repeating: 0, count: 100))
            #expect(await code { try await small.receive(for: bob) { try await $0.append([1]) } } == .noCapacity)
        }
        #expect(small.held.bytes == 0)
    }

    @Test func filesAreBoundedForEachNamespace() async throws {
        let uploads = uploads(files: 8)
        let (ann, bob) = (ann, bob)
        try await uploads.receive(for: ann) { _ in
            #expect(await code { try await uploads.receive(for: ann) { _ in } } == .tooManyRequests)
            try await uploads.receive(for: bob) { _ in }
        }
    }
}
