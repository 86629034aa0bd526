import CZlib
import Invok
import Testing

@testable import InvokArchive

/// One entry of an archive put together by hand; what is not set is as an honest tool writes it.
struct RawEntry {
    var name: [UInt8]
    var content: [UInt8]
    /// What stands in the archive for the content.
    var data: [UInt8]
    var flags: UInt16 = 0x0800
    var method: UInt16 = 0
    var checksum: UInt32?
    var size: UInt32?
    var compressedSize: UInt32?
    var offset: UInt32?
    var attributes: UInt32 = 0o100644 << 16
    var extra: [UInt8] = []
    var comment: [UInt8] = []

    // What the local header has in place of the same.
    var localName: [UInt8]?
    var localFlags: UInt16?
    var localMethod: UInt16?
    var localChecksum: UInt32?
    var localSize: UInt32?
    var localCompressedSize: UInt32?
    var localExtra: [UInt8] = []
    /// What stands behind the data.
    var behind: [UInt8] = []

    init(_ name: String, _ content: String = "") {
        self.init(name, bytes: Array(content.utf8))
    }

    init(_ name: String, bytes: [UInt8]) {
        self.name = Array(name.utf8)
        content = bytes
        data = bytes
    }

    static func deflated(_ name: String, _ content: [UInt8]) -> RawEntry {
        var entry = RawEntry(name, bytes: content)
        entry.method = 8
        entry.data = deflate(content)
        return entry
    }

    /// As a tool writes it that knows the sizes only afterwards.
    static func streamed(_ name: String, _ content: String) -> RawEntry {
        var entry = deflated(name, Array(content.utf8))
        entry.flags = 0x0808
        (entry.localChecksum, entry.localSize, entry.localCompressedSize) = (0, 0, 0)
        entry.behind = little(0x0807_4B50 as UInt32) + entry.descriptor
        return entry
    }

    /// The checksum and the sizes, of 4 bytes.
    var descriptor: [UInt8] { little(crc32(content)) + little(UInt32(data.count)) + little(UInt32(content.count)) }

    var wideDescriptor: [UInt8] {
        little(crc32(content)) + little(UInt64(data.count)) + little(UInt64(content.count))
    }

    private var trueChecksum: UInt32 { checksum ?? crc32(content) }
    private var trueSize: UInt32 { size ?? UInt32(content.count) }
    private var trueCompressedSize: UInt32 { compressedSize ?? UInt32(data.count) }

    /// The local header and all that follows it.
    var local: [UInt8] {
        let localName = localName ?? name
        return little(0x0403_4B50 as UInt32) + little(20 as UInt16) + little(localFlags ?? flags)
            + little(localMethod ?? method) + little(0x0021_0000 as UInt32)
            + little(localChecksum ?? trueChecksum) + little(localCompressedSize ?? trueCompressedSize)
            + little(localSize ?? trueSize) + little(UInt16(localName.count)) + little(UInt16(localExtra.count))
            + localName + localExtra + data + behind
    }

    /// The header of the directory.
    func central(at position: Int) -> [UInt8] {
        little(0x0201_4B50 as UInt32) + little(0x0314 as UInt16) + little(20 as UInt16) + little(flags)
            + little(method) + little(0x0021_0000 as UInt32) + little(trueChecksum) + little(trueCompressedSize)
            + little(trueSize) + little(UInt16(name.count)) + little(UInt16(extra.count))
            + little(UInt16(comment.count)) + little(0 as UInt32) + little(attributes)
            + little(offset ?? UInt32(position)) + name + extra + comment
    }
}

/// A zip archive (APPNOTE 6.3.10) of such entries.
struct RawZip {
    var entries: [RawEntry]
    var count: UInt16?
    var directoryOffset: UInt32?
    var comment: [UInt8] = []
    /// What stands before the directory, and between it and the end.
    var beforeDirectory: [UInt8] = []
    var behindDirectory: [UInt8] = []

    init(_ entries: RawEntry...) { self.entries = entries }

    var bytes: [UInt8] {
        var archive: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            directory += entry.central(at: archive.count)
            archive += entry.local
        }
        archive += beforeDirectory
        let count = count ?? UInt16(entries.count)
        let start = directoryOffset ?? UInt32(archive.count)
        return archive + directory + behindDirectory
            + endRecord(count: count, size: directory.count, start: Int(start), comment: comment)
    }
}

func endRecord(count: UInt16, size: Int, start: Int, comment: [UInt8] = []) -> [UInt8] {
    little(0x0605_4B50 as UInt32) + little(0 as UInt32) + little(count) + little(count) + little(UInt32(size))
        + little(UInt32(start)) + little(UInt16(comment.count)) + comment
}

/// The zip64 record (§4.3.14) of a directory.
func zip64Record(count: UInt64, size: Int, start: Int) -> [UInt8] {
    little(0x0606_4B50 as UInt32) + little(44 as UInt64) + little(45 as UInt16) + little(45 as UInt16)
        + little(0 as UInt64) + little(count) + little(count) + little(UInt64(size)) + little(UInt64(start))
}

/// The locator (§4.3.15) of the record at a position.
func zip64Locator(of record: Int) -> [UInt8] {
    little(0x0706_4B50 as UInt32) + little(0 as UInt32) + little(UInt64(record)) + little(1 as UInt32)
}

func extraField(_ id: UInt16, _ content: [UInt8]) -> [UInt8] { little(id) + little(UInt16(content.count)) + content }

func little(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

/// Raw deflate: zlib's format without its two bytes before and four behind.
func deflate(_ bytes: [UInt8]) -> [UInt8] {
    var size = compressBound(UInt(bytes.count))
    var result = [UInt8](repeating: 0, count: Int(size))
    let code = compress2(&result, &size, bytes, UInt(bytes.count), 9)
    precondition(code == Z_OK)
    return Array(result[2..<Int(size) - 4])
}

/// CRC-32 bit by bit, from its definition.
func crc32(_ bytes: [UInt8]) -> UInt32 {
    var value: UInt32 = ~0
    for byte in bytes {
        value ^= UInt32(byte)
        for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }
    return ~value
}

/// All tests ask it at once.
let zipReader = ZipReader(queueLimit: .max)

/// An entry with its content.
struct ReadEntry: Hashable {
    let path: String
    let kind: ArchiveEntry.Kind
    let content: [UInt8]
}

/// Reads all contents, too.
func read(_ archive: [UInt8], limits: ArchiveLimits = ArchiveLimits()) async throws -> [ReadEntry] {
    let entries = try await zipReader.entries(of: archive, limits: limits)
    return try await zipReader.reading { () throws(InvokError) in
        var read: [ReadEntry] = []
        for entry in entries {
            let content = try entry.content.beginning(.max)
            read.append(ReadEntry(path: entry.path, kind: entry.kind, content: content))
        }
        return read
    }
}

/// The code of the error, and `nil` for an archive that is read.
func refusal(_ archive: [UInt8], limits: ArchiveLimits = ArchiveLimits()) async -> InvokError.Code? {
    do throws(InvokError) {
        _ = try await zipReader.entries(of: archive, limits: limits)
        return nil
    } catch {
        return error.code
    }
}
