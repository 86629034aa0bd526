import Invok
import InvokArchive
import Testing

/// Honest archives, the limits, and what is no archive.
@Suite(.timeLimit(.minutes(1)))
struct ZipReaderTests {
    // MARK: Honest archives

    @Test func whatZipWriterWritesIsRead() async throws {
        var writer = ZipWriter()
        let binary = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
        writer.add("config.json", content: Array("{}".utf8))
        writer.add("static/ünïcode 😀.bin", content: binary)
        writer.add("empty", content: [])
        #expect(
            try await read(writer.finish()) == [
                ReadEntry(path: "config.json", kind: .file, content: Array("{}".utf8)),
                ReadEntry(path: "static/ünïcode 😀.bin", kind: .file, content: binary),
                ReadEntry(path: "empty", kind: .file, content: []),
            ])
    }

    @Test func anArchiveWithoutEntriesHasNone() async throws {
        #expect(try await read(ZipWriter().finish()) == [])
    }

    @Test(arguments: GoldenArchive.allCases)
    func whatEverydayToolsMakeIsRead(archive: GoldenArchive) async throws {
        let files = try await read(archive.bytes).filter { $0.kind == .file }
        let contents = Dictionary(
            uniqueKeysWithValues: files.map { ($0.path, String(decoding: $0.content, as: UTF8.self)) })
        let folder = archive == .ditto ? "hello/" : ""
        #expect(contents[folder + "config.json"] == #"{"function_name":"hello","runtime":"python"}"#)
        #expect(contents[folder + "function.py"] == String(repeating: "x = 1\n", count: 40) + "\n")
        #expect(contents["static/café.txt"] == (archive == .ditto ? nil : "hé"))
        #expect(contents["empty"] == (archive == .ditto ? nil : ""))
        #expect(contents["__MACOSX/hello/._config.json"] == (archive == .ditto ? "\u{0}\u{5}\u{16}\u{7}fork" : nil))
        let entries = try await zipReader.entries(of: archive.bytes, limits: ArchiveLimits())
        #expect(try SourceArchive(entries: entries).config.name.description == "hello")
    }

    /// Larger than one chunk on both sides, and ending where a chunk does.
    @Test(arguments: [0, 1, 65_535, 65_536, 65_537, 131_072, 500_000])
    func whatIsDeflatedIsInflated(count: Int) async throws {
        var seed: UInt32 = 1
        let noise = (0..<count).map { _ in
            seed = seed &* 1_664_525 &+ 1_013_904_223
            return UInt8(truncatingIfNeeded: seed >> 24)
        }
        let zeros = [UInt8](repeating: 0, count: count)
        let archive = RawZip(.deflated("noise", noise), .deflated("zeros", zeros)).bytes
        #expect(try await read(archive).map(\.content) == [noise, zeros])
    }

    /// As tools that write to a pipe leave them (§4.3.9).
    @Test func allKindsOfDataDescriptorsAreRead() async throws {
        var entries = (0..<4).map { RawEntry.streamed("\($0)", String(repeating: "text", count: $0)) }
        let signature = little(0x0807_4B50 as UInt32)
        entries[0].behind = entries[0].descriptor
        entries[1].behind = signature + entries[1].descriptor
        entries[2].behind = entries[2].wideDescriptor
        entries[3].behind = signature + entries[3].wideDescriptor
        for index in 2..<4 {
            (entries[index].localSize, entries[index].localCompressedSize) = (0xFFFF_FFFF, 0xFFFF_FFFF)
            entries[index].localExtra = extraField(1, [UInt8](repeating: 0, count: 16))
        }
        var archive = RawZip()
        archive.entries = entries
        #expect(try await read(archive.bytes).map(\.content.count) == [0, 4, 8, 12])
    }

    /// Before the data, where a tool could not know that it would be small (§4.5.3).
    @Test func zip64SizesInTheLocalHeaderAreRead() async throws {
        var entry = RawEntry("wide", "content")
        (entry.localSize, entry.localCompressedSize) = (0xFFFF_FFFF, 0xFFFF_FFFF)
        entry.localExtra = extraField(1, little(7 as UInt64) + little(7 as UInt64))
        #expect(try await read(RawZip(entry).bytes).map(\.content) == [Array("content".utf8)])
    }

    @Test func theSameNameInUnicodeIsTheSame() async throws {
        var entry = RawEntry("é", "x")
        entry.extra = extraField(0x7075, [1] + little(crc32(entry.name)) + entry.name)
        entry.localExtra = entry.extra
        #expect(try await read(RawZip(entry).bytes).map(\.path) == ["é"])
    }

    @Test func kindsAreReportedAsListed() async throws {
        let modes: [(String, UInt32)] = [
            ("folder/", 0o040755), ("plain", 0o100644), ("no-mode", 0), ("link", 0o120777), ("fifo", 0o010644),
            ("device", 0o060644), ("socket", 0o140644), ("implied/", 0),
        ]
        var archive = RawZip()
        archive.entries = modes.map { name, mode in
            var entry = RawEntry(name, mode == 0o120777 ? "/etc/passwd" : "")
            entry.attributes = mode << 16
            return entry
        }
        let entries = try await read(archive.bytes)
        #expect(
            entries.map(\.kind) == [
                .directory, .file, .file, .symbolicLink, .other, .other, .other, .directory,
            ])
        #expect(entries.allSatisfy { $0.content == [] })
    }

    @Test(arguments: ["../up", "/absolute", "a\\b", "C:\\x", "a/../../b", "", ".", "new\nline", "nul\u{0}byte"])
    func pathsAreReportedAsListed(path: String) async throws {
        #expect(try await read(RawZip(RawEntry(path, "x")).bytes).map(\.path) == [path])
    }

    @Test func duplicatesAreReportedTwice() async throws {
        #expect(try await read(RawZip(RawEntry("a", "1"), RawEntry("a", "2")).bytes).map(\.path) == ["a", "a"])
    }

    /// No more of a content is in memory than a piece of it, however large it is, and the size is known before.
    @Test func aContentComesInPieces() async throws {
        let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 7) }
        let archive = RawZip(.deflated("deflated", content), RawEntry("stored", bytes: content)).bytes
        for entry in try await zipReader.entries(of: archive, limits: ArchiveLimits()) {
            #expect(entry.content.count == content.count)
            var (bytes, pieces): ([UInt8], [Int]) = ([], [])
            try entry.content.forEachPiece { piece in
                bytes += piece
                pieces.append(piece.count)
            }
            #expect(bytes == content)
            #expect(pieces.count >= 5 && pieces.allSatisfy { $0 <= [UInt8].pieceBytes })
            #expect(try entry.content.beginning(70_000) == Array(content.prefix(70_000)))
            #expect(try entry.content.whole(upTo: content.count - 1) == nil)
        }
    }

    @Test func manyAreReadAtOnce() async throws {
        let archive = RawZip(.deflated("a", [UInt8](repeating: 7, count: 100_000))).bytes
        let counts = try await withThrowingTaskGroup { group in
            for _ in 0..<20 {
                group.addTask { try await read(archive).map(\.content.count) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(counts == Array(repeating: [100_000], count: 20))
    }

    // MARK: What is no archive

    @Test(
        arguments: [
            [], [0x50], Array("PK".utf8), Array("hello, world".utf8), [UInt8](repeating: 0, count: 22),
            [UInt8](repeating: 0xFF, count: 70_000), [0x1F, 0x8B, 8, 0, 0, 0, 0, 0], Array("PK\u{3}\u{4}".utf8),
            Array("PK\u{5}\u{6}".utf8),
        ] as [[UInt8]])
    func whatIsNoZipIsRefused(bytes: [UInt8]) async {
        #expect(await refusal(bytes) == .invalidArchive)
    }

    @Test func theEmptyUploadIsCalledEmpty() async {
        let error = await #expect(throws: InvokError.self) { try await read([]) }
        #expect(error?.message == "the archive is empty")
    }

    @Test(arguments: GoldenArchive.allCases)
    func everyTruncationIsRefused(archive: GoldenArchive) async {
        for length in archive.bytes.indices {
            #expect(await refusal(Array(archive.bytes[..<length])) == .invalidArchive, "cut to \(length) bytes")
        }
    }

    // MARK: Limits

    @Test func theUploadIsLimited() async {
        let archive = RawZip(RawEntry("a", "content")).bytes
        #expect(await refusal(archive, limits: ArchiveLimits(archiveBytes: archive.count)) == nil)
        #expect(await refusal(archive, limits: ArchiveLimits(archiveBytes: archive.count - 1)) == .payloadTooLarge)
    }

    @Test func theContentOfAllEntriesIsLimited() async {
        let archive = RawZip(RawEntry("a", "content"), RawEntry("b", "content")).bytes
        #expect(await refusal(archive, limits: ArchiveLimits(contentBytes: 14)) == nil)
        #expect(await refusal(archive, limits: ArchiveLimits(contentBytes: 13)) == .payloadTooLarge)
    }

    @Test func theEntriesAreLimited() async {
        let archive = RawZip(RawEntry("a"), RawEntry("b"), RawEntry("c/")).bytes
        #expect(await refusal(archive, limits: ArchiveLimits(entries: 3)) == nil)
        #expect(await refusal(archive, limits: ArchiveLimits(entries: 2)) == .payloadTooLarge)
    }

    /// Names, fields and comments of 64 KiB each are memory, too.
    @Test func theDirectoryIsLimited() async {
        var archive = RawZip()
        archive.entries = (0..<300).map {
            var entry = RawEntry("\($0)")
            entry.comment = [UInt8](repeating: 0x20, count: 60_000)
            return entry
        }
        #expect(await refusal(archive.bytes) == .payloadTooLarge)
    }

    @Test func aBombIsRefusedBeforeItExplodes() async {
        let bomb = RawZip(.deflated("zeros", [UInt8](repeating: 0, count: 1 << 20))).bytes
        #expect(bomb.count < 1 << 13)
        #expect(await refusal(bomb, limits: ArchiveLimits(contentBytes: 1 << 19)) == .payloadTooLarge)
        #expect(await refusal(bomb) == nil)
    }

    /// The same, telling both headers that it is small.
    @Test func aBombThatLiesStopsAtWhatItSaid() async {
        var entry = RawEntry.deflated("zeros", [UInt8](repeating: 0, count: 1 << 20))
        entry.size = 1000
        let bomb = RawZip(entry).bytes
        #expect(await refusal(bomb, limits: ArchiveLimits(contentBytes: 1000)) == .invalidArchive)
    }
}
