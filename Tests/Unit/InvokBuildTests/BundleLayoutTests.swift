import Glibc
import Invok
import InvokPOSIX
import TestSupport
import Testing

@testable import InvokBuild

@Suite struct BundleLayoutTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func bundle(_ number: UInt8, _ files: [String]) throws -> String {
        let path = "\(folder.path)/\(Digest(of: [number]))"
        for name in [""] + Files.folders(of: files) { try Files.makeDirectory("\(path)/\(name)", mode: 0o755) }
        for name in files { try Files.write([number], to: "\(path)/\(name)", mode: 0o755) }
        return path
    }

    @Test func anOlderProgramGetsItsPlaceAndKeepsItsOwn() throws {
        let old = try bundle(1, ["function"])
        for _ in 1...2 { try BundleLayout.renew(in: folder.path) }
        #expect(Files.names(in: old) == [".invok", "function"])
        #expect(Files.read(old + "/.invok/function") == [1] && Files.read(old + "/function") == [1])
        var status = stat()
        #expect(stat(old + "/.invok/function", &status) == 0 && status.st_mode & 0o777 == 0o755)
    }

    @Test func allOthersStayAsTheyAre() throws {
        let others = try [
            bundle(1, [".invok/function", "function"]), bundle(2, ["function", "function.py"]),
            bundle(3, ["a/function"]),
        ]
        let before = others.map { Files.names(in: $0) }
        try BundleLayout.renew(in: folder.path)
        #expect(others.map { Files.names(in: $0) } == before)
        #expect(!Files.exists(others[1] + "/.invok"))
    }
}
