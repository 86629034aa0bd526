import Foundation
import Testing

/// Makes a zip archive by Python's `zipfile`, an implementation that knows nothing of ours.
/// - Parameter statements: Python that fills the open archive `z`; `add(name, mode, content)` adds one by Unix mode.
func pythonZip(_ statements: String) throws -> [UInt8] {
    let script = """
        import io, sys, zipfile
        buffer = io.BytesIO()
        z = zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED)
        def add(name, mode, content=b''):
            info = zipfile.ZipInfo(name)
            info.create_system = 3
            info.external_attr = mode << 16
            z.writestr(info, content)
        \(statements)
        z.close()
        sys.stdout.buffer.write(buffer.getvalue())
        """
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script]
    process.standardOutput = output
    try process.run()
    let bytes = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "python3 failed")
    return Array(bytes)
}

/// One entry of an archive put together by hand; what is not set is as an honest tool writes it.
struct RawEntry {
    var name: [UInt8]
    var content: [UInt8] = []
    var localName: [UInt8]?
    var flags: UInt16 = 0x0800
    var localFlags: UInt16?
    var method: UInt16 = 0
    var localMethod: UInt16?
    var checksum: UInt32?
    var size: UInt32?
    var compressedSize: UInt32?
    var offset: UInt32?
    var attributes: UInt32 = 0o100644 << 16
    var extra: [UInt8] = []

    init(_ name: String, _ content: String = "") {
        self.name = Array(name.utf8)
        self.content = Array(content.utf8)
    }
}

/// A zip archive (APPNOTE 6.3.10) of such entries.
struct RawZip {
    var entries: [RawEntry]
    var count: UInt16?
    var directoryOffset: UInt32?
    var comment: [UInt8] = []

    init(_ entries: RawEntry...) { self.entries = entries }

    var bytes: [UInt8] {
        var archive: [UInt8] = []
        var directory: [UInt8] = []
        for entry in entries {
            let offset = entry.offset ?? UInt32(archive.count)
            let sizes =
                little(entry.checksum ?? crc32(entry.content))
                + little(entry.compressedSize ?? UInt32(entry.content.count))
                + little(entry.size ?? UInt32(entry.content.count))
            let localName = entry.localName ?? entry.name
            archive += little(0x0403_4B50 as UInt32) + little(20 as UInt16) + little(entry.localFlags ?? entry.flags)
            archive += little(entry.localMethod ?? entry.method) + little(0x0021_0000 as UInt32) + sizes
            archive += little(UInt16(localName.count)) + little(0 as UInt16) + localName + entry.content
            directory += little(0x0201_4B50 as UInt32) + little(0x0314 as UInt16) + little(20 as UInt16)
            directory += little(entry.flags) + little(entry.method) + little(0x0021_0000 as UInt32) + sizes
            directory += little(UInt16(entry.name.count)) + little(UInt16(entry.extra.count))
            directory += little(0 as UInt16) + little(0 as UInt32) + little(entry.attributes)
            directory += little(offset) + entry.name + entry.extra
        }
        let start = directoryOffset ?? UInt32(archive.count)
        let count = self.count ?? UInt16(entries.count)
        return archive + directory + little(0x0605_4B50 as UInt32) + little(0 as UInt32) + little(count)
            + little(count) + little(UInt32(directory.count)) + little(start) + little(UInt16(comment.count)) + comment
    }
}

func little(_ value: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

/// CRC-32 bit by bit, from its definition.
func crc32(_ bytes: [UInt8]) -> UInt32 {
    var value: UInt32 = ~0
    for byte in bytes {
        value ^= UInt32(byte)
        for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }
    return ~value
}
