import Testing

@testable import InvokCLI

@Suite struct IgnoreRulesTests {
    @Test(arguments: [
        ".git", "a/.DS_Store", "pkg/__pycache__", "x.pyc", "node_modules/.cache", "a.go~", ".a.go.swp", ".#a", "#a#",
        ".serverless-cli-auth", ".invokignore",
    ])
    func alwaysLeavesOut(_ path: String) throws {
        #expect(try IgnoreRules().excludes(path, isFolder: false))
    }

    @Test(arguments: ["function.go", "a/node_modules", ".gitignore", "git", "4913.txt"])
    func keepsTheRest(_ path: String) throws {
        #expect(try !IgnoreRules().excludes(path, isFolder: false))
    }

    @Test(arguments: [
        ("*.log", "a.log", false, true), ("*.log", "x/a.log", false, true), ("*.log", "a.logs", false, false),
        ("/a", "a", false, true), ("/a", "x/a", false, false), ("x/*", "x/a", false, true),
        ("x/*", "x/a/b", false, false),
        ("x/**", "x/a/b", false, true), ("**/b", "b", false, true), ("**/b", "x/y/b", false, true),
        ("out/", "out", true, true), ("out/", "out", false, false), ("a?c", "abc", false, true),
        ("a?c", "ac", false, false), ("# x", "# x", false, false), ("x/**/z", "x/z", false, true),
        ("*", "anything", false, true),
    ])
    func matchesGlobs(_ pattern: String, _ path: String, _ isFolder: Bool, _ expected: Bool) throws {
        #expect(try IgnoreRules("\n# why\n\(pattern)  \r\n").excludes(path, isFolder: isFolder) == expected)
    }

    @Test func refusesExceptions() {
        let failure = #expect(throws: Failure.self) { try IgnoreRules("a\n!b") }
        #expect(failure?.message.contains("line 2") == true)
    }
}
