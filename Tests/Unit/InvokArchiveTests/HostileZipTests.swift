import Invok
import Testing

/// Archives that two readers would understand differently, and archives that lie. All are refused.
@Suite(.timeLimit(.minutes(1)))
struct HostileZipTests {
    // MARK: A second directory

    /// The directory that reviewers see names benign files; a zip64 record leads other readers to one with others.
    /// - Parameter inGap: what stands between the two directories.
    private func twoDirectories(inGap: [UInt8]) -> [UInt8] {
        let names = [
            ("function.py", "benign"), ("config.json", "{}"), ("function.py", "EVIL!!"), ("config.json", "{}"),
        ]
        var archive: [UInt8] = []
        var directories: [[UInt8]] = [[], []]
        for (index, file) in names.enumerated() {
            let entry = RawEntry(file.0, file.1)
            directories[index / 2] += entry.central(at: archive.count)
            archive += entry.local
        }
        let second = archive.count
        archive += directories[1] + inGap
        let first = archive.count
        archive += directories[0]
        let record = archive.count
        archive += zip64Record(count: 2, size: directories[1].count, start: second) + zip64Locator(of: record)
        return archive + endRecord(count: 2, size: directories[0].count, start: first)
    }

    @Test func theSecondDirectoryOfAZip64RecordIsRefused() async {
        #expect(await refusal(twoDirectories(inGap: Array("PK\u{6}\u{6}".utf8))) == .invalidArchive)
        #expect(await refusal(twoDirectories(inGap: [])) == .invalidArchive)
    }

    /// - Parameter change: puts something into an honest archive of one entry, whose directory is at the position.
    private func changed(_ change: (inout RawZip, Int) -> Void) async -> InvokError.Code? {
        var archive = RawZip(RawEntry("a", "content"))
        change(&archive, archive.entries[0].local.count)
        return await refusal(archive.bytes)
    }

    @Test func zip64RecordsAndLocatorsAreRefused() async {
        let directory = RawEntry("a", "content").central(at: 0).count
        func record(_ start: Int) -> [UInt8] { zip64Record(count: 1, size: directory, start: start) }
        #expect(await changed { _, _ in } == nil)
        #expect(
            await changed { $0.behindDirectory = record($1) + zip64Locator(of: $1 + directory) } == .invalidArchive)
        #expect(await changed { $0.behindDirectory = record($1) } == .invalidArchive)
        #expect(await changed { zip, _ in zip.behindDirectory = zip64Locator(of: 0) } == .invalidArchive)
        // A locator where the directory's last comment is, so that nothing stands between the directory and the end.
        #expect(await changed { zip, _ in zip.entries[0].comment = zip64Locator(of: 0) } == .invalidArchive)
        #expect(await changed { zip, _ in zip.entries[0].comment = [UInt8](repeating: 0x20, count: 20) } == nil)
    }

    @Test func aSecondEndIsRefused() async {
        let whole = RawZip(RawEntry("a", "content")).bytes
        #expect(await changed { zip, _ in zip.comment = ZipWriter().finish() } == .invalidArchive)
        #expect(await changed { zip, _ in zip.comment = ZipWriter().finish() + [0] } == .invalidArchive)
        #expect(await changed { zip, _ in zip.comment = whole } == .invalidArchive)
        #expect(await changed { zip, _ in zip.comment = Array("by hand".utf8) } == nil)
        #expect(await refusal(whole + whole) == .invalidArchive)
    }

    // MARK: Bytes of nobody

    @Test func gapsAreRefused() async {
        let archive = RawZip(RawEntry("a", "x")).bytes
        #expect(await refusal(archive + [0]) == .invalidArchive)
        #expect(await refusal(Array("#!/bin/sh\n".utf8) + archive) == .invalidArchive)
        #expect(await changed { zip, _ in zip.beforeDirectory = [0] } == .invalidArchive)
        #expect(await changed { zip, _ in zip.beforeDirectory = RawEntry("hidden", "x").local } == .invalidArchive)
        #expect(await changed { zip, _ in zip.behindDirectory = [0] } == .invalidArchive)
        #expect(await changed { zip, _ in zip.entries = [zip.entries[0], RawEntry("b")] } == nil)
        #expect(
            await changed { zip, _ in
                zip.entries[0].behind = RawEntry("hidden", "x").local
                zip.entries.append(RawEntry("b"))
            } == .invalidArchive)
        var shifted = RawZip(RawEntry("a", "x"))
        shifted.entries[0].offset = 3
        shifted.directoryOffset = UInt32(3 + 30 + 1 + 1)
        #expect(await refusal([0, 0, 0] + shifted.bytes) == .invalidArchive)
    }

    /// The quoted-overlap bomb (Fifield, 2019): many entries share one kernel of data.
    @Test func overlappingEntriesAreRefused() async {
        var archive = RawZip(RawEntry("a", "content"), RawEntry("a", "content"))
        archive.entries[1].offset = 0
        let bytes = archive.bytes
        let error = await #expect(throws: InvokError.self) { try await read(bytes) }
        #expect(error?.code == .invalidArchive)
        #expect(error?.message.contains("overlap") == true)
    }

    @Test func anEntryInsideAnothersDataIsRefused() async {
        let inner = RawEntry("inner", "evil")
        var outer = RawEntry("outer")
        (outer.content, outer.data) = (inner.local, inner.local)
        let position = outer.local.count - inner.local.count
        let directory = outer.central(at: 0) + inner.central(at: position)
        let end = endRecord(count: 2, size: directory.count, start: outer.local.count)
        #expect(await refusal(outer.local + directory + end) == .invalidArchive)
        #expect(await refusal(RawZip(outer).bytes) == nil)
    }

    @Test(arguments: [0, 2, 0xFFFF] as [UInt16])
    func aWrongCountIsRefused(count: UInt16) async {
        let code = await changed { zip, _ in zip.count = count }
        #expect(code == .invalidArchive || (count == 0xFFFF && code == .payloadTooLarge))
    }

    // MARK: Entries that lie

    private static func lying(_ change: (inout RawEntry) -> Void) -> RawEntry {
        var entry = RawEntry("a", "content")
        change(&entry)
        return entry
    }

    private static func lyingDeflated(_ change: (inout RawEntry) -> Void) -> RawEntry {
        var entry = RawEntry.deflated("a", Array("content".utf8))
        change(&entry)
        return entry
    }

    private static func lyingStreamed(_ change: (inout RawEntry) -> Void) -> RawEntry {
        var entry = RawEntry.streamed("a", "content")
        change(&entry)
        return entry
    }

    private static let wide = extraField(1, little(7 as UInt64) + little(7 as UInt64))
    private static let signature = little(0x0807_4B50 as UInt32)

    private static let lies: [String: RawEntry] = [
        "encrypted": lying { $0.flags |= 1 }, "encrypted in the local header": lying { $0.localFlags = 0x0801 },
        "strongly encrypted": lying { $0.flags |= 1 << 6 }, "another local name": lying { $0.localName = [0x62] },
        "a longer local name": lying { $0.localName = Array("ab".utf8) },
        "another local method": lying { $0.localMethod = 8 }, "method 12": lying { $0.method = 12 },
        "another encoding of the local name": lying { $0.localFlags = 0 },
        "a wrong checksum": lying { $0.checksum = 1 }, "a name that is not UTF-8": lying { $0.name = [0xFF, 0xFE] },
        "another local checksum": lying { $0.localChecksum = 1 }, "no local checksum": lying { $0.localChecksum = 0 },
        "another local size": lying { $0.localSize = 6 }, "no local size": lying { $0.localSize = 0 },
        "another local size of the data": lying { $0.localCompressedSize = 6 },
        "stored, larger than it says": lying { $0.size = 1 }, "stored, smaller than it says": lying { $0.size = 50 },
        "stored, and less of it": lying { ($0.size, $0.compressedSize) = (3, 3) },
        "data behind the end": lying { $0.compressedSize = 5000 },
        "an offset behind the end": lying { $0.offset = 5000 },
        "an offset into the directory": lying { $0.offset = 38 },
        "a folder with content": lying { $0.attributes = 0o040755 << 16 },
        "a zip64 size without its field": lying { $0.compressedSize = 0xFFFF_FFFF },
        "zip64 sizes in the directory": lying { ($0.size, $0.compressedSize, $0.extra) = (.max, .max, wide) },
        "a zip64 field without need": lying { $0.extra = wide },
        "a local zip64 field without need": lying { $0.localExtra = wide },
        "a local zip64 size without its field": lying { ($0.localSize, $0.localCompressedSize) = (.max, .max) },
        "other local zip64 sizes": lying {
            ($0.localSize, $0.localCompressedSize) = (.max, .max)
            $0.localExtra = extraField(1, little(8 as UInt64) + little(7 as UInt64))
        },
        "local zip64 sizes twice": lying {
            ($0.localSize, $0.localCompressedSize, $0.localExtra) = (.max, .max, wide + wide)
        },
        "extra fields that are cut off": lying { $0.extra = [1, 2, 3] },
        "local extra fields that are cut off": lying { $0.localExtra = [9, 9, 9, 0] },
        "another name in Unicode": lying {
            $0.extra = extraField(0x7075, [1] + little(crc32($0.name)) + Array("b".utf8))
        },
        "another local name in Unicode": lying {
            $0.localExtra = extraField(0x7075, [1] + little(crc32($0.name)) + Array("b".utf8))
        },
        "bytes behind a deflated stream": lyingDeflated { $0.data += [0] },
        "two deflated streams": lyingDeflated { $0.data += deflate($0.content) },
        "a deflated stream cut off": lyingDeflated { $0.data.removeLast() },
        "no deflated stream": lyingDeflated { $0.data = [] },
        "what is not deflated": lyingDeflated { $0.data = [0xFF, 0xFF, 0xFF] },
        "deflated, larger than it says": lyingDeflated { $0.size = 3 },
        "deflated, smaller than it says": lyingDeflated { $0.size = 8 },
        "deflated, a wrong checksum": lyingDeflated { $0.checksum = 1 },
        "zlib's format": lyingDeflated { $0.data = [0x78, 0x9C] + $0.data },
        "no descriptor": lyingStreamed { $0.behind = [] },
        "a descriptor that no flag tells of": lying { $0.behind = signature + $0.descriptor },
        "a descriptor in the local header only": lyingStreamed { ($0.flags, $0.localFlags) = (0x0800, 0x0808) },
        "half a descriptor": lyingStreamed { $0.behind.removeLast(4) },
        "bytes behind a descriptor": lyingStreamed { $0.behind += [0] },
        "four bytes behind a descriptor": lyingStreamed { $0.behind += [0, 0, 0, 0] },
        "another signature of the descriptor": lyingStreamed { $0.behind[0] = 0 },
        "another checksum in the descriptor": lyingStreamed { $0.behind[4] ^= 1 },
        "another size of the data in the descriptor": lyingStreamed { $0.behind[8] ^= 1 },
        "another size in the descriptor": lyingStreamed { $0.behind[12] ^= 1 },
        "a huge size in the descriptor": lyingStreamed {
            $0.behind = signature + $0.wideDescriptor
            $0.behind[23] = 0x80
        },
        "streamed, with another local size": lyingStreamed { $0.localSize = 3 },
    ]

    @Test(arguments: lies.keys.sorted())
    func aLyingEntryIsRefused(lie: String) async throws {
        let entry = try #require(Self.lies[lie])
        #expect(await refusal(RawZip(entry).bytes) == .invalidArchive)
        #expect(await refusal(RawZip(entry, RawEntry("behind")).bytes) == .invalidArchive)
        #expect(await refusal(RawZip(RawEntry("before"), entry).bytes) == .invalidArchive)
    }

    @Test func whatDoesNotLieIsRead() async {
        for entry in [Self.lying { _ in }, Self.lyingDeflated { _ in }, Self.lyingStreamed { _ in }] {
            #expect(await refusal(RawZip(entry, RawEntry("behind")).bytes) == nil)
        }
    }

    /// Whatever single byte is wrong, the answer is an error or the very same content.
    @Test(arguments: GoldenArchive.allCases)
    func everyDamagedByteIsRefusedOrHarmless(archive: GoldenArchive) async throws {
        let bytes = archive.bytes
        let honest = try await read(bytes)
        var refused = 0
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 0xFF
            guard let entries = try? await read(damaged) else {
                refused += 1
                continue
            }
            #expect(entries.map(\.path) == honest.map(\.path), "byte \(index)")
            // A damaged mode makes another kind of it, which has no content and which the domain refuses.
            for (entry, original) in zip(entries, honest) where entry.kind == .file {
                #expect(entry.content == original.content, "byte \(index)")
            }
        }
        #expect(refused > bytes.count / 2)
    }
}
