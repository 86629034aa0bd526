import InvokSim
import Testing

@testable import InvokModel

struct ZipEditTests {
    private static func zip(_ files: [(String, String)]) -> [UInt8] {
        var writer = ZipWriter()
        for (path, text) in files { writer.add(path, content: Array(text.utf8)) }
        return writer.finish()
    }

    private func edited(_ path: String, by content: String, in archive: [UInt8]) throws -> [UInt8]? {
        try ZipEdit.replacing(path, by: Array(content.utf8), in: archive)?.beginning(.max)
    }

    private func files(_ archive: [UInt8]) throws -> [[String]] {
        try SimArchiveReader().entries(of: archive, limits: ArchiveLimits()).map {
            [$0.path, String(decoding: try $0.content.beginning(.max), as: UTF8.self)]
        }
    }

    @Test(arguments: ["first", "middle", "last"], ["", "short", String(repeating: "long", count: 10_000)])
    func oneFileIsReplacedAndTheOthersStay(path: String, content: String) throws {
        let archive = Self.zip([("first", "one"), ("middle", "the second one"), ("last", "three")])
        let edited = try #require(try edited(path, by: content, in: archive))
        let expected = [["first", "one"], ["middle", "the second one"], ["last", "three"]].map {
            $0[0] == path ? [path, content] : $0
        }
        #expect(try files(edited) == expected)
        #expect(edited.count == archive.count + content.utf8.count - (expected.isEmpty ? 0 : try old(path).utf8.count))
    }

    private func old(_ path: String) throws -> String {
        try #require(["first": "one", "middle": "the second one", "last": "three"][path])
    }

    @Test(arguments: ["./a", "././a"]) func aLeadingDotIsNoDifference(path: String) throws {
        let edited = try edited("a", by: "new", in: Self.zip([(path, "old")]))
        #expect(try files(#require(edited)) == [[path, "new"]])
    }

    @Test func whatIsNotUnderstoodIsLeft() throws {
        let archive = Self.zip([("a", "old")])
        #expect(try edited("b", by: "", in: archive) == nil)
        #expect(try edited("a", by: "", in: []) == nil)
        #expect(try edited("a", by: "", in: Array(archive.dropLast())) == nil)
        #expect(try edited("a", by: "", in: Self.zip([("a", "1"), ("./a", "2")])) == nil)
        // Bytes between the directory and the end, as a zip64 record.
        #expect(try edited("a", by: "", in: archive.dropLast(22) + [0] + archive.suffix(22)) == nil)
    }

    /// Whatever range is asked for, over the seams too.
    @Test func whatIsEditedIsReadByRanges() throws {
        let archive = Self.zip([("a", "one"), ("b", "two")])
        let spliced = try #require(try ZipEdit.replacing("a", by: Array("another".utf8), in: archive))
        let whole = try spliced.read(0..<spliced.count)
        for start in 0...whole.count {
            for end in start...whole.count { #expect(try spliced.read(start..<end) == Array(whole[start..<end])) }
        }
    }
}
