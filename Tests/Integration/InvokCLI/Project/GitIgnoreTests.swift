import Foundation
import InvokSim
import Testing

@testable import InvokCLI

/// `.invokignore` says what a `.gitignore` with the same text says: the same trees, patterns and paths are given to
/// `git check-ignore`.
@Suite struct GitIgnoreTests {
    /// A tree with files of patterns in some of its folders.
    private struct Case {
        var paths: [(path: String, isFolder: Bool)] = []
        /// By folder, empty for the tree's own.
        var patterns: [String: [UInt8]] = [:]

        /// Whether it or a folder around it is left out; a folder that is left out is not looked into.
        func isIgnored(_ path: String, isFolder: Bool) -> Bool {
            var rules = IgnoreRules()
            var folder = ""
            let parts = path.split(separator: "/").map(String.init)
            for (index, part) in parts.enumerated() {
                if let content = patterns[folder] { rules = rules.adding(content, of: folder) }
                folder = folder.isEmpty ? part : folder + "/" + part
                let verdict = rules.verdict(folder, isFolder: isFolder || index + 1 < parts.count)
                if verdict?.isExcluded == true { return true }
            }
            return false
        }
    }

    private static let letters = [
        "a", "b", "ab", "aab", "c.log", "b.log", "#x", "!y", "a b", "x ", "ü", "a-b", "[x]", "*", "\\",
    ]

    private static func name(_ random: inout SimGenerator) -> String { letters.randomElement(using: &random) ?? "a" }

    private static func pattern(_ random: inout SimGenerator) -> String {
        let pieces = [
            "a", "b", "ab", "*", "*", "**", "**", "?", "/", "/", "/", "[ab]", "[!a]", "[^b-]", "[a-", "[]x]",
            "[[:alpha:]]",
            "[[:punct:]x]", "[[:foo:]]", "[[:]", "[\\]]", "[z-a]", "[x-z-]", "\\*", "\\", "\\ ", " ", ".log", "#", "!",
            "-", "ü",
        ]
        var text = Int.random(in: 0..<5, using: &random) == 0 ? "!" : ""
        for _ in 0..<Int.random(in: 1...6, using: &random) { text += pieces.randomElement(using: &random) ?? "" }
        // Such patterns alone would seldom meet a path.
        switch Int.random(in: 0..<6, using: &random) {
        case 0: text = name(&random)
        case 1: text = name(&random) + "/"
        case 2: text = "/" + name(&random) + "/" + text
        case 3: text = "**/" + name(&random)
        default: break
        }
        return text + (["\n", "\n", "\r\n", " \n", "  \r\n", "\t\n"].randomElement(using: &random) ?? "\n")
    }

    private static func file(_ random: inout SimGenerator) -> [UInt8] {
        var text = Int.random(in: 0..<8, using: &random) == 0 ? "\u{FEFF}" : ""
        for _ in 0..<Int.random(in: 1...5, using: &random) { text += pattern(&random) }
        if Int.random(in: 0..<6, using: &random) == 0 { text.unicodeScalars.removeLast() }
        return Array(text.utf8)
    }

    private static func randomCase(_ seed: UInt64) -> Case {
        var random = SimGenerator(seed: seed)
        var result = Case()
        var folders = [""]
        var seen: Set<String> = []
        for _ in 0..<14 {
            let folder = folders.randomElement(using: &random) ?? ""
            let path = folder.isEmpty ? name(&random) : folder + "/" + name(&random)
            guard seen.insert(path).inserted else { continue }
            let isFolder = Bool.random(using: &random)
            if isFolder { folders.append(path) }
            result.paths.append((path, isFolder))
        }
        result.patterns[""] = file(&random)
        for folder in folders.dropFirst() where Int.random(in: 0..<4, using: &random) == 0 {
            result.patterns[folder] = file(&random)
        }
        return result
    }

    /// What git ignores of the paths, which are asked for with zeros between them.
    private func ignored(of paths: [String], in repository: String) throws -> Set<String> {
        func run(_ arguments: [String], input: Data = Data()) throws -> Data {
            let list = URL(filePath: repository + ".list")
            try input.write(to: list)
            defer { try? FileManager.default.removeItem(at: list) }
            let process = Process()
            let output = Pipe()
            process.executableURL = URL(filePath: "/usr/bin/env")
            process.arguments = ["git", "-C", repository] + arguments
            process.environment = [
                "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": repository,
                "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
            ]
            process.standardInput = try FileHandle(forReadingFrom: list)
            process.standardOutput = output
            try process.run()
            let data = try output.fileHandleForReading.readToEnd() ?? Data()
            process.waitUntilExit()
            // 1: none of them.
            try #require([0, 1].contains(process.terminationStatus), "git \(arguments) failed")
            return data
        }
        _ = try run(["init", "-q"])
        let input = Data(paths.joined(separator: "\0").utf8) + [0]
        let output = try run(["check-ignore", "--no-index", "--stdin", "-z"], input: input)
        return Set(output.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
    }

    @Test func saysWhatGitSays() throws {
        let sandbox = try Sandbox()
        let repository = sandbox.directory + "/repository"
        try FileManager.default.createDirectory(atPath: repository, withIntermediateDirectories: true)
        let cases = (0..<600).map { (seed: $0, value: Self.randomCase(UInt64($0))) }
        for (seed, value) in cases {
            let root = "\(repository)/c\(seed)"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            for (path, isFolder) in value.paths {
                if isFolder {
                    try FileManager.default.createDirectory(
                        atPath: "\(root)/\(path)", withIntermediateDirectories: true)
                } else {
                    try Data().write(to: URL(filePath: "\(root)/\(path)"))
                }
            }
            for (folder, content) in value.patterns {
                try Data(content).write(
                    to: URL(filePath: folder.isEmpty ? "\(root)/.gitignore" : "\(root)/\(folder)/.gitignore"))
            }
        }
        let all = cases.flatMap { entry in entry.value.paths.map { "c\(entry.seed)/\($0.path)" } }
        let ignored = try ignored(of: all, in: repository)
        var wrong: [String] = []
        for (seed, value) in cases {
            for (path, isFolder) in value.paths {
                let expected = ignored.contains("c\(seed)/\(path)")
                guard value.isIgnored(path, isFolder: isFolder) != expected else { continue }
                let files = value.patterns.map {
                    "\($0.key)/: \(String(decoding: $0.value, as: UTF8.self).debugDescription)"
                }
                wrong.append(
                    "seed \(seed): git \(expected ? "ignores" : "keeps") '\(path)'\(isFolder ? "/" : "") by \(files)")
            }
        }
        #expect(all.count > 5000 && (all.count / 10..<all.count).contains(ignored.count))
        #expect(wrong.isEmpty, "\(wrong.count) differ: \(wrong.prefix(5))")
    }
}
