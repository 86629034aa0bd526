import Foundation
import Testing

/// The walls are where the manifest says: a target declares what it imports and nothing else, and the folders of one
/// target need each other in one direction.
struct ManifestTests {
    struct Target {
        let name: String
        let folder: String
        let excluded: Set<String>
        let declared: Set<String>
    }

    /// What comes with the toolchain and is declared nowhere.
    static let platform: Set<String> = [
        "Darwin", "Dispatch", "Foundation", "FoundationEssentials", "Glibc", "Synchronization", "Testing",
        "_Concurrency",
    ]

    private static let root = PackageLayoutTests.root.path(percentEncoded: false)

    // MARK: What the manifest declares

    /// The targets with Swift sources, from the text of the manifest.
    static func targets(in manifest: String) -> [Target] {
        var products: [Substring: String] = [:]
        for match in manifest.matches(of: /let (\w+) = Target\.Dependency\.product\(name: "(\w+)"/) {
            products[match.1] = String(match.2)
        }
        // Each target begins on a line of its own, and what follows its name is its own until the next one.
        let begin =
            /(?m)^ {8}(wall\(|unitTests\(of: |integrationTests\(of: |\.target\(name: |\.executableTarget\(name: |\.testTarget\(name: )"([\w-]+)"/
        // A call may be written on several lines.
        let text = manifest.replacing(/([(,])\n {9,}(?=["\[a-z])/) { $0.1 == "(" ? "(" : ", " }
        let starts = text.matches(of: begin)
        return starts.indices.map { index in
            let end = index + 1 < starts.count ? starts[index + 1].range.lowerBound : text.endIndex
            let part = text[starts[index].range.upperBound..<end]
            let kind = starts[index].1
            var name = String(starts[index].2)
            var declared = list("dependencies: ", in: part) ?? list(", ", in: part) ?? []
            var folder = part.firstMatch(of: /path: "([^"]+)"/).map { String($0.1) } ?? "Sources/\(name)"
            if kind.hasPrefix("unitTests") {
                (folder, declared, name) = ("Tests/Unit/\(name)Tests", declared + ["\"\(name)\""], "\(name)Tests")
            } else if kind.hasPrefix("integrationTests") {
                (folder, declared) = ("Tests/Integration/\(name)", declared + ["\"\(name)\""])
                name += "IntegrationTests"
            }
            return Target(
                name: name, folder: folder, excluded: Set((list("exclude: ", in: part) ?? []).map(unquoted)),
                declared: Set(declared.map { products[$0[...]] ?? unquoted($0) }))
        }
    }

    /// The elements of the first list behind a label.
    private static func list(_ label: String, in text: Substring) -> [String]? {
        guard let start = text.range(of: label + "[") else { return nil }
        return text[start.upperBound...].prefix { $0 != "]" }
            .split(separator: ",").map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
            .filter { !$0.isEmpty && !$0.hasPrefix("//") }
    }

    private static func unquoted(_ text: String) -> String {
        text.trimmingCharacters(in: CharacterSet(charactersIn: "\"")).replacing("-", with: "_")
    }

    // MARK: What the sources use

    /// The Swift files of a target by their path in its folder.
    static func files(of target: Target) throws -> [String: String] {
        let folder = "\(root)/\(target.folder)"
        let paths = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
        var files: [String: String] = [:]
        for path in paths where path.hasSuffix(".swift") {
            if target.excluded.contains(String(path.prefix { $0 != "/" })) { continue }
            files[path] = try String(contentsOfFile: "\(folder)/\(path)", encoding: .utf8)
        }
        return files
    }

    static func imports(in source: String) -> Set<String> {
        // Indented where the platform decides.
        let matches = source.matches(
            of: /(?m)^\s*(?:@\w+ )*(?:public |package |internal )?import (?:struct |class |enum |func |protocol )?(\w+)/
        )
        return Set(matches.map { String($0.1) })
    }

    @Test func whatIsDeclaredIsWhatIsImported() throws {
        let manifest = try String(contentsOfFile: Self.root + "/Package.swift", encoding: .utf8)
        let targets = Self.targets(in: manifest)
        #expect(targets.count > 50)
        // What comes with the toolchain is declared nowhere; a program is depended on so that it is built.
        let known = targets.reduce(into: Set()) { $0.formUnion($1.declared) }
        let programs: Set = ["invok_core", "InvokCLI"]
        for target in targets {
            let used = try Self.files(of: target).values.reduce(into: Set()) { $0.formUnion(Self.imports(in: $1)) }
                .intersection(known)
            let own = target.name.replacing(/(Integration)?Tests$/, with: "")
            let unused = target.declared.subtracting(used).subtracting(programs).subtracting([own])
            let undeclared = used.subtracting(target.declared)
            #expect(unused.isEmpty, "\(target.name) imports nothing of \(unused.sorted())")
            #expect(undeclared.isEmpty, "\(target.name) does not declare \(undeclared.sorted())")
        }
    }

    /// The targets on each line of the README's picture.
    static func layers(in readme: String, among names: Set<String>) throws -> [Set<String>] {
        let section = try #require(readme.firstRange(of: "## How the parts fit"))
        let parts = readme[section.upperBound...].split(separator: "```", maxSplits: 2)
        return try #require(parts.dropFirst().first).split(separator: "\n").map { line in
            Set(line.matches(of: /[\w-]+/).map { String($0.output).replacing("-", with: "_") }).intersection(names)
        }
    }

    @Test func theReadmeShowsWhatNeedsWhat() throws {
        let manifest = try String(contentsOfFile: Self.root + "/Package.swift", encoding: .utf8)
        let targets = try Self.targets(in: manifest).filter { target in
            try target.folder.hasPrefix("Sources/") && !Self.files(of: target).isEmpty
        }
        let names = Set(targets.map { $0.name.replacing("-", with: "_") })
        let readme = try String(contentsOfFile: Self.root + "/README.md", encoding: .utf8)
        let layers = try Self.layers(in: readme, among: names)
        #expect(layers.reduce(into: Set()) { $0.formUnion($1) } == names)
        #expect(layers.map(\.count).reduce(0, +) == names.count, "a target is shown twice")
        for target in targets {
            let name = target.name.replacing("-", with: "_")
            let line = try #require(layers.firstIndex { $0.contains(name) })
            let above = layers[...line].reduce(into: Set()) { $0.formUnion($1) }
            let wrong = target.declared.intersection(above)
            #expect(wrong.isEmpty, "\(name) needs \(wrong.sorted()), which the README does not show below it")
        }
    }

    // MARK: Folders

    /// Which folders of a target need which, by the names that are declared at the top of files.
    static func needs(of files: [String: String]) -> [String: Set<String>] {
        var home: [String: Set<String>] = [:]
        var code: [(folder: String, words: Set<String>)] = []
        for (path, source) in files {
            guard let slash = path.lastIndex(of: "/") else { continue }
            let folder = String(path[..<slash])
            let text = source.replacing(/(?m)\/\/.*$/, with: "").replacing(/"[^"\n]*"/, with: "")
            let declared = text.matches(
                of:
                    /(?m)^(?:@\w+ |public |package |final |indirect )*(?:struct|class|enum|protocol|actor|typealias) (\w+)/
            )
            for match in declared { home[String(match.1), default: []].insert(folder) }
            code.append((folder, Set(text.matches(of: /\b[A-Z]\w+\b/).map { String($0.output) })))
        }
        var needs: [String: Set<String>] = [:]
        for (folder, words) in code {
            for word in words {
                guard let homes = home[word], homes.count == 1, let other = homes.first, other != folder else {
                    continue
                }
                needs[folder, default: []].insert(other)
            }
        }
        return needs
    }

    /// Those that need each other, by whatever way.
    static func circle(in needs: [String: Set<String>]) -> Set<String> {
        var left = needs
        while let (free, _) = left.first(where: { $0.value.allSatisfy { left[$0] == nil } }) { left[free] = nil }
        return Set(left.keys)
    }

    @Test func foldersFormNoCircle() throws {
        let manifest = try String(contentsOfFile: Self.root + "/Package.swift", encoding: .utf8)
        for target in Self.targets(in: manifest) where target.folder.hasPrefix("Sources/") {
            let needs = Self.needs(of: try Self.files(of: target))
            let circle = Self.circle(in: needs)
            #expect(circle.isEmpty, "\(target.name): \(circle.sorted()) need each other")
        }
    }

    // MARK: The test itself

    @Test func theManifestIsReadAsMeant() {
        let targets = Self.targets(
            in: """
                let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
                        wall("A", []),
                        wall(
                            "B", ["A", crypto],
                            resources: [.copy("x")]),
                        .executableTarget(
                            name: "c-d",
                            dependencies: ["B"], exclude: ["Old"]),
                        unitTests(of: "A"),
                        integrationTests(of: "B", ["A"]),
                """)
        #expect(targets.map(\.name) == ["A", "B", "c-d", "ATests", "BIntegrationTests"])
        #expect(targets.map(\.declared) == [[], ["A", "Crypto"], ["B"], ["A"], ["A", "B"]])
        #expect(targets[2].excluded == ["Old"] && targets[4].folder == "Tests/Integration/B")
        #expect(
            Self.imports(in: "import A\n@testable import B\n#if X\n    import Glibc\n#endif\npublic import C\n") == [
                "A", "B", "C", "Glibc",
            ])
    }

    @Test func circlesAreSeen() {
        let straight = ["A/a.swift": "struct One { let two: Two }", "B/b.swift": "struct Two {} // One"]
        #expect(Self.circle(in: Self.needs(of: straight)).isEmpty)
        let circle = straight.merging(["B/c.swift": "struct Three { let one: One }"]) { $1 }
        #expect(Self.circle(in: Self.needs(of: circle)) == ["A", "B"])
    }
}
