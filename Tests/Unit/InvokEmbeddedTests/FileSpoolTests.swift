import Foundation
import Invok
import InvokEmbedded
import Testing

@Suite(.timeLimit(.minutes(1)))
struct FileSpoolTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func nothingOfItIsToBeSeen() async throws {
        let file = try await FileSpool(directory: folder.path).make()
        try await file.append([1, 2, 3])
        #expect(folder.files.isEmpty)
        #expect(try file.read(1..<3) == [2, 3])
    }

    @Test func removesWhatACrashLeft() throws {
        try Data([9]).write(to: URL(filePath: "\(folder.path)/17"))
        _ = try FileSpool(directory: folder.path)
        #expect(folder.files.isEmpty)
    }

    @Test func aFullDiskIsSaid() async throws {
        let disk = try SmallDisk(kilobytes: 256)
        let spool = try FileSpool(directory: disk.folder.path)
        do {
            let file = try await spool.make()
            await #expect(throws: SpoolError.full) { try await file.append([UInt8](repeating: 7, count: 1 << 20)) }
        }
        // The room is free again with the last reference.
        try await spool.make().append([UInt8](repeating: 8, count: 100_000))
    }
}
