import Invok
import InvokSim
import Testing

struct SimArchiveReaderTests {
    private let reader = SimArchiveReader()

    private static func archive(_ files: [(String, [UInt8])]) -> [UInt8] {
        var writer = ZipWriter()
        for (path, content) in files { writer.add(path, content: content) }
        return writer.finish()
    }

    @Test func readsWhatZipWriterWrites() throws {
        let files: [(String, [UInt8])] = [
            ("config.json", Array("{}".utf8)), ("a/ü.bin", Array(0...255)), ("empty", []),
        ]
        let entries = try reader.entries(of: Self.archive(files), limits: ArchiveLimits())
        #expect(entries.map(\.path) == files.map(\.0) && entries.allSatisfy { $0.kind == .file })
        #expect(try entries.map { try $0.content.beginning(.max) } == files.map(\.1))
    }

    @Test func readsAnEmptyArchive() throws {
        #expect(try reader.entries(of: Self.archive([]), limits: ArchiveLimits()).isEmpty)
    }

    @Test func refusesEveryTruncation() {
        let archive = Self.archive([("a", [1, 2, 3]), ("b", [])])
        for length in 0..<archive.count {
            #expect(throws: InvokError.self, "the first \(length) bytes") {
                try reader.entries(of: Array(archive.prefix(length)), limits: ArchiveLimits())
            }
        }
    }

    /// No byte, changed, makes it trap, and none in the content goes unnoticed.
    @Test func survivesEveryChangedByte() {
        let archive = Self.archive([("a", [1, 2, 3])])
        for index in archive.indices {
            var changed = archive
            changed[index] ^= 0xFF
            _ = try? reader.entries(of: changed, limits: ArchiveLimits())
        }
        var damaged = archive
        damaged[31] ^= 1
        let error = #expect(throws: InvokError.self) { try reader.entries(of: damaged, limits: ArchiveLimits()) }
        #expect(error?.code == .invalidArchive)
    }

    @Test(arguments: [
        ArchiveLimits(archiveBytes: 100), ArchiveLimits(contentBytes: 4), ArchiveLimits(entries: 1),
    ])
    func refusesWhatIsOverALimit(_ limits: ArchiveLimits) {
        let archive = Self.archive([("a", [1, 2, 3]), ("b", [4, 5])])
        let error = #expect(throws: InvokError.self) { try reader.entries(of: archive, limits: limits) }
        #expect(error?.code == .payloadTooLarge)
    }
}
