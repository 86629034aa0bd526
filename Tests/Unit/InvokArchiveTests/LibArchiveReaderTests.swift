import Foundation
import Invok
import InvokArchive
import Testing

@Suite(.timeLimit(.minutes(1)))
struct LibArchiveReaderTests {
    let reader = LibArchiveReader()

    private func read(_ archive: [UInt8], limits: ArchiveLimits = ArchiveLimits()) throws -> [ArchiveEntry] {
        try reader.entries(of: archive, limits: limits)
    }

    private func code(_ archive: [UInt8], limits: ArchiveLimits = ArchiveLimits()) -> InvokError.Code? {
        do {
            _ = try reader.entries(of: archive, limits: limits)
            return nil
        } catch {
            return error.code
        }
    }

    // MARK: Honest archives

    @Test func whatZipWriterWritesIsRead() throws {
        var writer = ZipWriter()
        let binary = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
        writer.add("config.json", content: Array("{}".utf8))
        writer.add("static/ünïcode 😀.bin", content: binary)
        writer.add("empty", content: [])
        #expect(
            try read(writer.finish()) == [
                ArchiveEntry(path: "config.json", kind: .file, content: Array("{}".utf8)),
                ArchiveEntry(path: "static/ünïcode 😀.bin", kind: .file, content: binary),
                ArchiveEntry(path: "empty", kind: .file),
            ])
    }

    @Test func anArchiveWithoutEntriesHasNone() throws {
        #expect(try read(ZipWriter().finish()) == [])
    }

    @Test func whatPythonDeflatesIsRead() throws {
        let archive = try pythonZip(
            """
            z.writestr('a/function.py', 'print(1)\\n' * 50000)
            z.writestr('ünïcode.txt', 'ä')
            z.writestr('__MACOSX/._function.py', 'fork')
            z.comment = b'made by hand'
            """)
        let entries = try read(archive)
        #expect(entries.map(\.path) == ["a/function.py", "ünïcode.txt", "__MACOSX/._function.py"])
        #expect(entries[0].content == Array(String(repeating: "print(1)\n", count: 50000).utf8))
        #expect(entries[1].content == Array("ä".utf8))
    }

    /// Data descriptors behind the content and zip64 fields, as tools that write to a pipe leave them.
    @Test func streamedArchivesAreRead() throws {
        let archive = try pythonZip(
            """
            z.close()
            buffer = io.BytesIO()
            class Pipe(io.RawIOBase):
                def write(self, data): return buffer.write(bytes(data))
                def writable(self): return True
            z = zipfile.ZipFile(Pipe(), 'w', zipfile.ZIP_DEFLATED)
            with z.open('big', 'w', force_zip64=True) as f: f.write(b'x' * 100000)
            z.writestr('small', 'y')
            """)
        let entries = try read(archive)
        #expect(entries.map(\.path) == ["big", "small"])
        #expect(entries.map(\.content.count) == [100_000, 1])
    }

    @Test func zip64SizesAreRead() throws {
        var entry = RawEntry("wide", "content")
        entry.extra = little(1 as UInt16) + little(16 as UInt16) + little(7 as UInt64) + little(7 as UInt64)
        // The local header keeps the narrow sizes, so only the directory's are widened, behind the 46 fixed bytes.
        var bytes = RawZip(entry).bytes
        let directory = 30 + 4 + 7
        bytes.replaceSubrange(directory + 20..<directory + 28, with: [UInt8](repeating: 0xFF, count: 8))
        #expect(try read(bytes).map(\.content) == [Array("content".utf8)])
    }

    @Test func kindsAreReportedAsListed() throws {
        let archive = try pythonZip(
            """
            add('folder/', 0o040755)
            add('plain', 0o100644, b'x')
            add('no-mode', 0, b'x')
            add('link', 0o120777, b'/etc/passwd')
            add('fifo', 0o010644)
            add('device', 0o060644)
            add('socket', 0o140644)
            add('implied/', 0)
            """)
        #expect(
            try read(archive).map(\.kind) == [
                .directory, .file, .file, .symbolicLink, .other, .other, .other, .directory,
            ])
    }

    @Test(arguments: ["../up", "/absolute", "a\\b", "C:\\x", "a/../../b", "", ".", "new\nline", "nul\u{0}byte"])
    func pathsAreReportedAsListed(path: String) throws {
        #expect(try read(RawZip(RawEntry(path, "x")).bytes).map(\.path) == [path])
    }

    @Test func duplicatesAreReportedTwice() throws {
        #expect(try read(RawZip(RawEntry("a", "1"), RawEntry("a", "2")).bytes).map(\.path) == ["a", "a"])
    }

    // MARK: What is no archive

    @Test(
        arguments: [
            [], [0x50], Array("PK".utf8), Array("hello, world".utf8), [UInt8](repeating: 0, count: 22),
            [UInt8](repeating: 0xFF, count: 70_000), [0x1F, 0x8B, 8, 0, 0, 0, 0, 0], Array("PK\u{3}\u{4}".utf8),
            Array("PK\u{5}\u{6}".utf8),
        ] as [[UInt8]])
    func whatIsNoZipIsRefused(bytes: [UInt8]) {
        #expect(code(bytes) == .invalidArchive)
    }

    @Test func theEmptyUploadIsCalledEmpty() {
        let error = #expect(throws: InvokError.self) { try read([]) }
        #expect(error?.message == "the archive is empty")
    }

    @Test func everyTruncationIsRefused() throws {
        let archive = try pythonZip("z.writestr('a', 'x' * 1000); z.writestr('b', 'hello')")
        for length in 0..<archive.count {
            #expect(code(Array(archive[..<length])) == .invalidArchive, "cut to \(length) bytes")
        }
    }

    @Test func garbageAroundIsRefused() {
        let archive = RawZip(RawEntry("a", "x")).bytes
        #expect(code(archive) == nil)
        #expect(code(archive + [0]) == .invalidArchive)
        #expect(code(Array("#!/bin/sh\n".utf8) + archive) == .invalidArchive)
        #expect(code(archive + archive) == .invalidArchive)
        var shifted = RawZip(RawEntry("a", "x"))
        shifted.entries[0].offset = 3
        shifted.directoryOffset = UInt32(3 + 30 + 1 + 1)
        #expect(code([0, 0, 0] + shifted.bytes) == .invalidArchive)
    }

    @Test func aSecondEndInTheCommentIsRefused() {
        var archive = RawZip(RawEntry("a", "x"))
        archive.comment = ZipWriter().finish() + [0]
        #expect(code(archive.bytes) == .invalidArchive)
    }

    /// Whatever single byte is wrong, the answer is an error or the very same content.
    @Test func everyDamagedByteIsRefusedOrHarmless() throws {
        let archive = try pythonZip("z.writestr('a', 'xyz' * 30); add('b', 0o100644, b'stored')")
        let honest = try read(archive)
        var refused = 0
        for index in archive.indices {
            var damaged = archive
            damaged[index] ^= 0xFF
            guard let entries = try? read(damaged) else {
                refused += 1
                continue
            }
            // A damaged mode makes another kind of it, which has no content and which the domain refuses.
            for (entry, original) in zip(entries, honest) where entry.kind == .file {
                #expect(entry.content == original.content, "byte \(index)")
            }
        }
        #expect(refused > archive.count / 2)
    }

    // MARK: Archives that lie

    /// An entry as an honest tool writes it but for `change`.
    private static func lying(_ change: (inout RawEntry) -> Void) -> RawEntry {
        var entry = RawEntry("a", "content")
        change(&entry)
        return entry
    }

    private static let lies = [
        "encrypted": lying { $0.flags |= 1 }, "encrypted in the local header": lying { $0.localFlags = 0x0801 },
        "strongly encrypted": lying { $0.flags |= 1 << 6 }, "another local name": lying { $0.localName = [0x62] },
        "another local method": lying { $0.localMethod = 8 }, "method 12": lying { $0.method = 12 },
        "a wrong checksum": lying { $0.checksum = 1 }, "a name that is not UTF-8": lying { $0.name = [0xFF, 0xFE] },
        "larger than it says": lying { $0.size = 1 }, "smaller than it says": lying { $0.size = 50 },
        "data behind the end": lying { $0.compressedSize = 5000 },
        "an offset behind the end": lying { $0.offset = 5000 },
        "an offset into the directory": lying { $0.offset = 38 },
        "a folder with content": lying { $0.attributes = 0o040755 << 16 },
        "half a zip64 field": lying { $0.compressedSize = 0xFFFF_FFFF },
    ]

    @Test(arguments: lies.keys.sorted())
    func aLyingEntryIsRefused(lie: String) throws {
        #expect(code(RawZip(RawEntry("a", "content")).bytes) == nil)
        let entry = try #require(Self.lies[lie])
        #expect(code(RawZip(entry).bytes) == .invalidArchive)
    }

    @Test(arguments: [0, 2, 0xFFFF] as [UInt16])
    func aWrongCountIsRefused(count: UInt16) {
        var archive = RawZip(RawEntry("a", "content"))
        archive.count = count
        let code = code(archive.bytes)
        #expect(code == .invalidArchive || (count == 0xFFFF && code == .payloadTooLarge))
    }

    /// The quoted-overlap bomb (Fifield, 2019): many entries share one kernel of data.
    @Test func overlappingEntriesAreRefused() {
        var archive = RawZip(RawEntry("a", "content"), RawEntry("b", "content"))
        archive.entries[1].name = archive.entries[0].name
        archive.entries[1].offset = 0
        let error = #expect(throws: InvokError.self) { try read(archive.bytes) }
        #expect(error?.code == .invalidArchive)
        #expect(error?.message.contains("overlap") == true)
    }

    // MARK: Limits

    @Test func theUploadIsLimited() {
        let archive = RawZip(RawEntry("a", "content")).bytes
        #expect(code(archive, limits: ArchiveLimits(archiveBytes: archive.count)) == nil)
        #expect(code(archive, limits: ArchiveLimits(archiveBytes: archive.count - 1)) == .payloadTooLarge)
    }

    @Test func theContentOfAllEntriesIsLimited() {
        let archive = RawZip(RawEntry("a", "content"), RawEntry("b", "content")).bytes
        #expect(code(archive, limits: ArchiveLimits(contentBytes: 14)) == nil)
        #expect(code(archive, limits: ArchiveLimits(contentBytes: 13)) == .payloadTooLarge)
    }

    @Test func theEntriesAreLimited() {
        let archive = RawZip(RawEntry("a"), RawEntry("b"), RawEntry("c/")).bytes
        #expect(code(archive, limits: ArchiveLimits(entries: 3)) == nil)
        #expect(code(archive, limits: ArchiveLimits(entries: 2)) == .payloadTooLarge)
    }

    @Test func aBombIsRefusedBeforeItExplodes() throws {
        let bomb = try pythonZip("z.writestr('zeros', bytes(300 << 20))")
        #expect(bomb.count < 1 << 20)
        #expect(code(bomb) == .payloadTooLarge)
    }

    /// The same, telling both headers that it is small.
    @Test func aBombThatLiesStopsAtWhatItSaid() throws {
        var bomb = try pythonZip("z.writestr('zeros', bytes(100 << 20))")
        let honest = little(UInt32(100 << 20))
        for offset in bomb.indices.dropLast(4) where Array(bomb[offset..<offset + 4]) == honest {
            bomb.replaceSubrange(offset..<offset + 4, with: little(1000 as UInt32))
        }
        let start = ContinuousClock.now
        #expect(code(bomb) == .invalidArchive)
        #expect(start.duration(to: .now) < .seconds(10))
    }
}
