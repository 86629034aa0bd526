import Testing

@testable import InvokBuild

@Suite struct TarReaderTests {
    private static let deep = (0..<30).map { _ in "folder-name" }.joined(separator: "/")

    private static func sample() -> [UInt8] {
        var tar = TarFixture()
        tar.add("./", type: TarFixture.folder)
        tar.add("./a/", type: TarFixture.folder)
        tar.add("./a/empty")
        tar.add("./a/x", Array("hello".utf8))
        tar.add("./exact", [UInt8](repeating: 7, count: 1024))
        tar.addLongName(Array("./\(deep)/long".utf8))
        tar.add("./cut", Array("far".utf8))
        tar.add(Array("name".utf8), Array("split".utf8)) { header in
            header.replaceSubrange(257..<265, with: "ustar\u{0}00".utf8)
            header.replaceSubrange(345..<348, with: "a/b".utf8)
        }
        return tar.whole + [UInt8](repeating: 0, count: 5120)
    }

    /// Entries with their contents, whatever the pieces were.
    private static func entries(
        _ bytes: [UInt8], chunk: Int, reader: inout TarReader
    ) throws(TarReader.Fault) -> [(String, [UInt8]?)] {
        var entries: [(String, [UInt8]?)] = []
        var start = 0
        while start < bytes.count {
            let end = min(bytes.count, start + chunk)
            for part in try reader.append(bytes[start..<end]) {
                switch part {
                case .folder(let path): entries.append((String(decoding: path, as: UTF8.self), nil))
                case .file(let path, _, _): entries.append((String(decoding: path, as: UTF8.self), []))
                case .content(let bytes): entries[entries.count - 1].1? += bytes
                }
            }
            start = end
        }
        return entries
    }

    @Test(arguments: [1, 7, 511, 512, 513, 1024, 100_000]) func readsTheSameInAnyPieces(chunk: Int) throws {
        var reader = TarReader()
        let entries = try Self.entries(Self.sample(), chunk: chunk, reader: &reader)
        #expect(reader.isWhole)
        #expect(
            entries.map(\.0)
                == ["./", "./a/", "./a/empty", "./a/x", "./exact", "./\(Self.deep)/long", "a/b/name"])
        #expect(entries[0].1 == nil && entries[1].1 == nil && entries[2].1 == [])
        #expect(entries[3].1 == Array("hello".utf8) && entries[4].1 == [UInt8](repeating: 7, count: 1024))
        #expect(entries[5].1 == Array("far".utf8) && entries[6].1 == Array("split".utf8))
    }

    /// A stream is whole only where its writer ended it.
    @Test func whatIsCutOffIsNotWhole() throws {
        var tar = TarFixture()
        tar.add("x", Array("hello".utf8))
        for length in 0..<(tar.whole.count) {
            var reader = TarReader()
            _ = try reader.append(tar.whole[..<length])
            #expect(!reader.isWhole, "\(length)")
        }
    }

    @Test(
        arguments: zip(
            "123467KxgSDVM".utf8,
            [
                "a second name of a file", "a link", "a device", "a device", "a pipe", "neither a file nor a folder",
                "a link",
            ] + Array(repeating: "neither a file nor a folder", count: 6)))
    func knowsFilesAndFoldersOnly(type: UInt8, kind: String) throws {
        var tar = TarFixture()
        tar.add("x", type: type)
        var reader = TarReader()
        #expect(throws: TarReader.Fault.forbidden(path: Array("x".utf8), kind: kind)) {
            try reader.append(tar.whole[...])
        }
    }

    enum Malformed: String, CaseIterable, Sendable {
        case noHeader, binarySize, negativeSize, noSize, folderWithContents, nameWithoutEnd, nameWithNul, emptyName
        case nameTooLong, twoNames, nameOfNobody, somethingBehindTheEnd, endlessEnd, wrongSum

        var bytes: [UInt8] {
            var tar = TarFixture()
            switch self {
            case .noHeader: return [UInt8](repeating: 0x41, count: 512)
            case .binarySize:
                tar.add([0x78]) { $0.replaceSubrange(124..<136, with: [0x80] + [UInt8](repeating: 0xFF, count: 11)) }
            case .negativeSize: tar.add([0x78], size: "-0000000001")
            case .noSize: tar.add([0x78], size: "           ")
            case .folderWithContents: tar.add("x", type: TarFixture.folder, [1])
            case .nameWithoutEnd: tar.add("n", type: UInt8(ascii: "L"), [0x61, 0x61])
            case .nameWithNul: tar.add("n", type: UInt8(ascii: "L"), [0x61, 0, 0x61, 0])
            case .emptyName: tar.add("n", type: UInt8(ascii: "L"))
            case .nameTooLong: tar.addLongName([UInt8](repeating: 0x61, count: TarReader.maximumNameBytes))
            case .twoNames:
                tar.addLongName([0x61])
                tar.addLongName([0x61])
            case .nameOfNobody:
                tar.addLongName([0x61])
                return tar.whole
            case .somethingBehindTheEnd: return tar.whole + [UInt8](repeating: 1, count: 512)
            case .endlessEnd: return [UInt8](repeating: 0, count: 512 * 200)
            case .wrongSum:
                tar.add("x")
                var bytes = tar.whole
                bytes[0] = 0x79
                return bytes
            }
            return tar.whole
        }
    }

    @Test(arguments: Malformed.allCases, [1, 100_000]) func refusesWhatIsMalformed(_ input: Malformed, chunk: Int) {
        var reader = TarReader()
        let fault = #expect(throws: TarReader.Fault.self) {
            try Self.entries(input.bytes, chunk: chunk, reader: &reader)
        }
        guard case .malformed? = fault else {
            Issue.record("\(String(describing: fault))")
            return
        }
    }

    /// Each byte of the headers in turn is each of some values: what comes out is refused or read, and nothing else happens.
    @Test func anyChangedByteIsSurvived() {
        let sample = Array(Self.sample().prefix(512 * 12))
        for index in 0..<sample.count {
            for value in [0, 0x20, 0x2F, 0x37, 0x80, 0xFF] as [UInt8] {
                var bytes = sample
                bytes[index] = value
                var reader = TarReader()
                _ = try? Self.entries(bytes, chunk: 4096, reader: &reader)
            }
        }
    }
}
