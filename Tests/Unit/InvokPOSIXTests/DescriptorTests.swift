import Glibc
import TestSupport
import Testing

@testable import InvokPOSIX

@Suite(.timeLimit(.minutes(1))) struct DescriptorTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path + "/file"
    }

    @Test func readsARangeWhereverItsPositionIs() throws {
        let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL)
        try file.writeAll([1, 2, 3])
        #expect(try file.read(1..<3) == [2, 3])
        try file.writeAll([4, 5])
        #expect(try file.read(0..<5) == [1, 2, 3, 4, 5])
        #expect(try file.read(9..<9).isEmpty)
        let error = #expect(throws: SystemError.self) { try file.read(3..<6) }
        #expect(error == SystemError("read", path, code: EIO))
    }

    @Test func keepsAFileThatHasNoName() throws {
        let file = try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL)
        try Files.remove(path)
        try file.writeAll([1, 2, 3])
        #expect(try file.read(0..<3) == [1, 2, 3])
        #expect(try file.status().st_nlink == 0)
    }

    @Test func isClosedWithItsLastReference() throws {
        var ends: (reading: Descriptor, writing: Descriptor?) = try Descriptor.pipe()
        #expect(!ends.reading.waitReadable(milliseconds: 0))
        var other = ends.writing
        ends.writing = nil
        #expect(!ends.reading.waitReadable(milliseconds: 0) && other != nil)
        other = nil
        // It reads the end.
        #expect(ends.reading.waitReadable(milliseconds: 0))
    }

    @Test func cutsAFileOff() throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_APPEND)
        try file.writeAll([1, 2, 3])
        try file.truncate(to: 1)
        try file.writeAll([4])
        #expect(Files.read(path) == [1, 4])
        #expect(try file.status().st_size == 2)
        try file.synchronize()
    }

    @Test func setsTheModeWhateverTheMaskIs() throws {
        let file = try Descriptor.open(path, O_WRONLY | O_CREAT)
        #expect(try file.status().st_mode & 0o777 == 0o600)
        try file.setMode(0o666)
        #expect(try file.status().st_mode & 0o777 == 0o666)
    }

    @Test func saysOfWhatItsErrorsAre() throws {
        let file = try Descriptor.open("/dev/full", O_WRONLY)
        let error = #expect(throws: SystemError.self) { try file.writeAll([1]) }
        #expect(error?.isFull == true)
        #expect(error?.message == "cannot write /dev/full: No space left on device")
        try Files.write([1], to: path, mode: 0o600)
        let reading = try Descriptor.open(path, O_RDONLY)
        #expect(throws: SystemError("write", path, code: EBADF)) { try reading.writeAll([1]) }
        #expect(throws: SystemError("write", path, code: EINVAL)) { try reading.truncate(to: 0) }
        #expect(throws: SystemError("fsync", code: EINVAL)) { try Descriptor.pipe().writing.synchronize() }
    }
}
