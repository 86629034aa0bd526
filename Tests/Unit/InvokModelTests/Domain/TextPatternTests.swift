import InvokModel
import InvokSim
import Testing

@Suite struct TextPatternTests {
    @Test(arguments: [
        ("b", "abc", true), ("^b", "abc", false), ("c$", "abc", true), ("a.c", "abc", true), ("a.c", "ac", false),
        ("ab*c", "ac", true), ("ab+c", "ac", false), ("ab?c", "abbc", false), ("a|x", "xyz", true),
        ("^(a|bc)+$", "abca", true),
        ("^(a|bc)+$", "abcb", false), ("[0-9]+ ms", "took 12 ms", true), ("[^a-c]", "abc", false), ("[]x]", "]", true),
        ("\\d\\.\\d", "v1.2", true), ("\\d\\.\\d", "v1x2", false), ("\\w+@\\w+", "a_1@b", true), ("a\\|b", "a|b", true),
        ("()", "", true), ("^$", "", true), ("^$", "x", false), ("ü+", "süüß", true), (".", "\u{1F600}", true),
        ("{3}", "a{3}", true), ("(a*)*b", "aaaa", false), ("x*", "", true), ("timed? out|refused", "was refused", true),
        ("[\\d-]+$", "a-1", true), ("a^b", "a^b", false), ("(^a|b)c", "xbc", true),
    ])
    func finds(_ pattern: String, _ text: String, _ expected: Bool) throws {
        #expect(try TextPattern(pattern).isFound(in: text) == expected)
    }

    @Test(arguments: [
        "", "(", ")", "a)", "(a", "[", "[a", "*a", "a|*", "\\", "\\q", "[z-a]", String(repeating: "a", count: 129),
    ])
    func refuses(_ pattern: String) { #expect(throws: InvokError.self) { try TextPattern(pattern) } }

    /// What the standard library's expressions say, which go another way.
    @Test func agreesWithAnotherEngine() throws {
        var random = SimGenerator(seed: 11)
        let pieces = [
            "a", "b", "c", ".", "[ab]", "[^a]", "(a|b)", "(ab|c)*", "(a*b)+", "(|c)", "a?", "b*", "c+", "|", "^", "$",
        ]
        var found = 0
        for _ in 0..<2000 {
            let source = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? "a"
            }.joined()
            let pattern = try TextPattern(source)
            let expression = try Regex(source).matchingSemantics(.unicodeScalar)
            for _ in 0..<5 {
                let text = String(
                    (0..<Int.random(in: 0...6, using: &random)).map { _ in "abc".randomElement(using: &random) ?? "a" })
                let expected = try expression.firstMatch(in: text) != nil
                #expect(pattern.isFound(in: text) == expected, "'\(source)' in '\(text)'")
                found += expected ? 1 : 0
            }
        }
        #expect((1000..<9500).contains(found))
    }

    /// Engines that try one way after the other take years for these.
    @Test func noPatternTakesLong() throws {
        let text = String(repeating: "a", count: 5000)
        for source in [
            "(a*)*b", "(a|a)*b", "(a|aa)+$b",
            String(repeating: "a?", count: 40) + String(repeating: "a", count: 40) + "b",
        ] {
            #expect(try !TextPattern(source).isFound(in: text))
        }
    }
}
