import Foundation
import Invok
import InvokEmbedded
import Testing

@Suite(.timeLimit(.minutes(1)))
struct FileSystemDiskTests {
    @Test func whatIsWrittenIsNotFreeAnyMore() async throws {
        let small = try SmallDisk(kilobytes: 1024)
        let disk = FileSystemDisk(of: small.folder.path)
        let before = try await disk.space()
        #expect(before.totalBytes == 1 << 20 && before.freeBytes == 1 << 20)
        try Data(count: 512 << 10).write(to: URL(filePath: "\(small.folder.path)/file"))
        #expect(try await disk.space() == DiskSpace(freeBytes: 512 << 10, totalBytes: 1 << 20))
    }

    @Test func aFolderThatIsGoneIsSaid() async throws {
        let error = await #expect(throws: DataDiskError.self) {
            try await FileSystemDisk(of: "/nowhere/at/all").space()
        }
        #expect(error == .unavailable("cannot read /nowhere/at/all: No such file or directory"))
    }
}
