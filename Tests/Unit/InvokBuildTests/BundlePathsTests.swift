import Testing

@testable import InvokBuild

@Suite struct BundlePathsTests {
    private func judge(_ paths: [(String, BundlePaths.Kind)]) throws -> [String?] {
        var judge = BundlePaths()
        return try paths.map { try judge.take(Array($0.0.utf8), $0.1) }
    }

    @Test func keepsPathsInsideAndTakesOffWhatMeansNothing() throws {
        let paths: [(String, BundlePaths.Kind)] = [
            ("./", .folder), (".", .folder), ("./a/", .folder), ("./a/ä x.py", .file), ("a/b", .folder),
            ("a/b/c", .file),
            (".hidden", .file), ("...", .file), ("a/..b", .file),
        ]
        #expect(try judge(paths) == [nil, nil, "a", "a/ä x.py", "a/b", "a/b/c", ".hidden", "...", "a/..b"])
    }

    @Test(arguments: [
        "/x", "..", "../x", "a/../x", "a/..", "./../x", "a//x", "a/./x", "", "./", "x/", "a\\x", "a\nx", "a\u{7F}",
        ".", String(repeating: "x", count: 256), "a/" + String(repeating: "x/", count: 600) + "x", "missing/x",
        "././x",
    ])
    func refusesFilesThatAreNotInside(path: String) {
        #expect(throws: BundlePaths.Refusal.self) { try judge([("a", .folder), (path, .file)]) }
    }

    @Test func refusesNamesThatAreNotUTF8() {
        for name in [[0xFF, 0xFE], [0x80], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0xAF]] as [[UInt8]] {
            var judge = BundlePaths()
            let refusal = #expect(throws: BundlePaths.Refusal.self) { try judge.take(name, .file) }
            #expect(refusal?.reason == "is not UTF-8" && refusal?.path == name)
        }
    }

    @Test(arguments: [
        [("x", BundlePaths.Kind.file), ("x", .file)], [("x", .file), ("X", .file)], [("x", .file), ("x", .folder)],
        [("x", .folder), ("x", .file)], [("x", .folder), ("x/", .folder)], [("\u{E9}", .file), ("e\u{301}", .file)],
        [("Ä", .file), ("a\u{308}", .file)], [("X", .folder), ("x", .file)],
    ])
    func refusesTwins(pair: [(String, BundlePaths.Kind)]) {
        #expect(throws: BundlePaths.Refusal.self) { try judge(pair) }
    }

    /// As archives may have them.
    @Test func twoFoldersMayDifferInCaseAlone() throws {
        #expect(try judge([("x", .folder), ("X", .folder), ("x/a", .file), ("X/b", .file)]).count == 4)
    }

    @Test func countsPathsAndTheirBytes() {
        var judge = BundlePaths()
        let long = String(repeating: "x", count: 240)
        var taken = 0
        while taken <= BundlePaths.maximumCount, (try? judge.take(Array("\(long)\(taken)".utf8), .file)) != nil {
            taken += 1
        }
        #expect(taken * 246 > BundlePaths.maximumBytes - 10_000 && taken * 241 <= BundlePaths.maximumBytes)
    }
}
