import InvokSim
import Testing

@testable import Invok

struct ZipEditTests {
    private static func zip(_ files: [(String, String)]) -> [UInt8] {
        var writer = ZipWriter()
        for (path, text) in files { writer.add(path, content: Array(text.utf8)) }
        return writer.finish()
    }

    private func files(_ archive: [UInt8]) throws -> [[String]] {
        try SimArchiveReader().entries(of: archive, limits: ArchiveLimits()).map {
            [$0.path, String(decoding: $0.content, as: UTF8.self)]
        }
    }

    @Test(arguments: ["first", "middle", "last"], ["", "short", String(repeating: "long", count: 10_000)])
    func oneFileIsReplacedAndTheOthersStay(path: String, content: String) throws {
        let archive = Self.zip([("first", "one"), ("middle", "the second one"), ("last", "three")])
        let edited = try #require(ZipEdit.replacing(path, by: Array(content.utf8), in: archive))
        let expected = [["first", "one"], ["middle", "the second one"], ["last", "three"]].map {
            $0[0] == path ? [path, content] : $0
        }
        #expect(try files(edited) == expected)
        #expect(edited.count == archive.count + content.utf8.count - (expected.isEmpty ? 0 : try old(path).utf8.count))
    }

    private func old(_ path: String) throws -> String {
        try #require(["first": "one", "middle": "the second one", "last": "three"][path])
    }

    @Test func aLeadingDotIsNoDifference() throws {
        let edited = ZipEdit.replacing("a", by: Array("new".utf8), in: Self.zip([("./a", "old")]))
        #expect(try files(#require(edited)) == [["./a", "new"]])
    }

    @Test func whatIsNotUnderstoodIsLeft() {
        let archive = Self.zip([("a", "old")])
        #expect(ZipEdit.replacing("b", by: [], in: archive) == nil)
        #expect(ZipEdit.replacing("a", by: [], in: []) == nil)
        #expect(ZipEdit.replacing("a", by: [], in: Array(archive.dropLast())) == nil)
        #expect(ZipEdit.replacing("a", by: [], in: Self.zip([("a", "1"), ("./a", "2")])) == nil)
        // Bytes between the directory and the end, as a zip64 record.
        #expect(ZipEdit.replacing("a", by: [], in: archive.dropLast(22) + [0] + archive.suffix(22)) == nil)
    }
}
