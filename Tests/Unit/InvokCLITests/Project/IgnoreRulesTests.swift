import Testing

@testable import InvokCLI

/// What git says to patterns is in `GitIgnoreTests`.
@Suite struct IgnoreRulesTests {
    private func excludes(_ rules: IgnoreRules, _ path: String, isFolder: Bool = false) -> Bool {
        rules.verdict(path, isFolder: isFolder)?.isExcluded == true
    }

    @Test(arguments: [
        ".git", "a/.DS_Store", "pkg/__pycache__", "x.pyc", "node_modules/.cache", "a/node_modules/.bin", "a.go~",
        ".a.go.swp", ".#a", "#a#", ".invokignore", "sub/.invokignore", ".venv", "a/.pytest_cache", "._function.py",
    ])
    func alwaysLeavesOut(_ path: String) { #expect(excludes(.standard, path)) }

    @Test(arguments: [
        "function.go", "a/node_modules", ".gitignore", "git", "4913.txt", ".bin", "bin", "cache", "venv.py",
    ])
    func keepsTheRest(_ path: String) { #expect(!excludes(.standard, path)) }

    @Test(arguments: [
        ("*.log", "a.log", false, true), ("*.log", "x/a.log", false, true), ("*.log", "a.logs", false, false),
        ("/a", "a", false, true), ("/a", "x/a", false, false), ("x/*", "x/a", false, true),
        ("x/*", "x/a/b", false, false), ("x/**", "x/a/b", false, true), ("**/b", "b", false, true),
        ("**/b", "x/y/b", false, true), ("out/", "out", true, true), ("out/", "out", false, false),
        ("a?c", "abc", false, true), ("a?c", "ac", false, false), ("# x", "# x", false, false),
        ("\\# x", "# x", false, true), ("x/**/z", "x/z", false, true), ("*", "anything", false, true),
        ("[a-c]x", "bx", false, true), ("[!a-c]x", "bx", false, false), ("[[:digit:]]", "7", false, true),
        ("a\\*", "a*", false, true), ("a\\*", "ab", false, false), ("a\\ ", "a ", false, true),
        ("[a", "[a", false, false),
    ])
    func matchesAsGitignoreDoes(_ pattern: String, _ path: String, _ isFolder: Bool, _ expected: Bool) {
        let rules = IgnoreRules().adding(Array("\n# why\n\(pattern)\r\n".utf8), of: "")
        #expect(excludes(rules, path, isFolder: isFolder) == expected)
    }

    @Test func theLastLineDecidesAndTheInnerFileComesLast() {
        let rules = IgnoreRules.standard.adding(Array("*.log\n!keep.log\n!.vscode\n".utf8), of: "")
            .adding(Array("/keep.log\n!a.log\n".utf8), of: "sub")
        #expect(rules.verdict("a.log", isFolder: false) == .init(isExcluded: true, place: ".invokignore:1"))
        #expect(rules.verdict("keep.log", isFolder: false) == .init(isExcluded: false, place: ".invokignore:2"))
        #expect(rules.verdict("sub/keep.log", isFolder: false) == .init(isExcluded: true, place: "sub/.invokignore:1"))
        #expect(rules.verdict("sub/x/keep.log", isFolder: false)?.isExcluded == false)
        #expect(!excludes(rules, "sub/a.log") && excludes(rules, "a.log"))
        // What every project leaves out comes back where it is named.
        #expect(!excludes(rules, ".vscode", isFolder: true) && excludes(rules, ".idea", isFolder: true))
        #expect(rules.verdict(".idea", isFolder: true)?.place == nil)
    }

    @Test func readsAByteOrderMarkAndAnyLineEnd() {
        let rules = IgnoreRules().adding(Array("\u{FEFF}secret.txt\r\n*.log\r\nend".utf8), of: "")
        for path in ["secret.txt", "a.log", "end"] { #expect(excludes(rules, path)) }
    }

    /// A pattern that would try every way to spend its stars ends at once.
    @Test func noPatternTakesLong() {
        let rules = IgnoreRules().adding(Array((String(repeating: "*a", count: 40) + "b").utf8), of: "")
        #expect(!excludes(rules, String(repeating: "a", count: 2000)))
    }
}
