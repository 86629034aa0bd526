import Foundation
import Testing

/// `Sources/Invok` and `Sources/invok` are one folder on a case-insensitive disk (macOS). It works as long as both
/// targets name their subfolders in the manifest, share none, and nothing lies beside the named ones.
@Suite struct PackageLayoutTests {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The folders in `sources:` of the target `name`, or nil if it has no such list.
    static func namedFolders(of name: String) throws -> [String]? {
        let manifest = try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
        return namedFolders(of: name, in: manifest)
    }

    static func namedFolders(of name: String, in manifest: String) -> [String]? {
        // The target's part of the manifest ends where the next name is given.
        let parts = manifest.components(separatedBy: "name: \"")
        for part in parts where part.hasPrefix(name + "\"") {
            guard let start = part.range(of: "sources: ["),
                let end = part.range(of: "]", range: start.upperBound..<part.endIndex)
            else { continue }
            return part[start.upperBound..<end.lowerBound]
                .split(separator: ",")
                .map { $0.trimmingCharacters(in: .whitespacesAndNewlines.union(CharacterSet(charactersIn: "\""))) }
                .filter { !$0.isEmpty }
        }
        return nil
    }

    /// What lies directly in a folder of the package, without hidden files.
    static func entries(of folder: String) throws -> Set<String> {
        let names = try FileManager.default.contentsOfDirectory(
            atPath: root.appending(path: folder).path(percentEncoded: false))
        return Set(names.filter { !$0.hasPrefix(".") })
    }

    @Test func bothTargetsNameTheirSubfoldersAndShareNone() throws {
        let library = try #require(try Self.namedFolders(of: "Invok"), "the target Invok has no sources: list")
        let tool = try #require(try Self.namedFolders(of: "InvokCLI"), "the target InvokCLI has no sources: list")
        #expect(!library.isEmpty && !tool.isEmpty)
        let shared = Set(library.map { $0.lowercased() }).intersection(tool.map { $0.lowercased() })
        #expect(shared.isEmpty, "one folder on a case-insensitive disk: \(shared.sorted())")
    }

    @Test func nothingLiesBesideTheNamedSubfolders() throws {
        let library = try #require(try Self.namedFolders(of: "Invok"))
        let tool = try #require(try Self.namedFolders(of: "InvokCLI"))
        // On a case-insensitive disk both folders list the same, so they are taken together.
        let present = try Self.entries(of: "Sources/Invok").union(Self.entries(of: "Sources/invok"))
        let strays = present.subtracting(library + tool)
        #expect(strays.isEmpty, "neither target compiles \(strays.sorted())")
    }

    @Test func noTwoFilesAreOneOnACaseInsensitiveDisk() throws {
        var seen: [String: String] = [:]
        for folder in ["Sources", "Tests"] {
            let found = FileManager.default.enumerator(
                atPath: Self.root.appending(path: folder).path(percentEncoded: false))
            for case let path as String in try #require(found) {
                // The two folders that this suite is about are meant to fall together.
                if ["invok", "Invok"].contains(path) { continue }
                let other = seen.updateValue(path, forKey: "\(folder)/\(path.lowercased())")
                #expect(other == nil, "\(folder)/\(path) and \(folder)/\(other ?? "") differ by case only")
            }
        }
        #expect(seen.count > 10)
    }

    /// What starts a process or opens a socket is an integration test: a unit test depends on nothing of its machine.
    @Test func unitTestsStartNoProcessAndOpenNoSocket() throws {
        // In two parts, or this file would be found.
        let ways = [" Process" + "()", "posix_" + "spawn", " sock" + "et(", "Boot" + "strap(", "for" + "k("]
        let folder = Self.root.appending(path: "Tests/Unit").path(percentEncoded: false)
        let paths = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
        for path in paths where path.hasSuffix(".swift") {
            let text = try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8)
            for way in ways { #expect(!text.contains(way), "Tests/Unit/\(path) uses \(way)") }
        }
    }

    @Test func theManifestIsReadAsMeant() {
        let manifest = """
            .library(name: "Invok", targets: ["Invok"]),
            .target(name: "Invok", dependencies: [a],
                sources: ["Domain", "Ports"]),
            .target(name: "Other", sources: ["X"]),
            .target(name: "Bare", dependencies: ["Invok"]),
            .target(name: "Last", sources: ["Y"])
            """
        #expect(Self.namedFolders(of: "Invok", in: manifest) == ["Domain", "Ports"])
        #expect(Self.namedFolders(of: "Bare", in: manifest) == nil)
        #expect(Self.namedFolders(of: "Missing", in: manifest) == nil)
    }
}
