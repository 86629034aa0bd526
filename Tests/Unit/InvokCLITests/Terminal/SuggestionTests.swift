import Testing

@testable import InvokCLI

@Suite struct SuggestionTests {
    @Test(arguments: [
        ("", "abc", 3), ("abc", "abc", 0), ("abc", "abd", 1), ("abc", "acb", 1), ("kitten", "sitting", 3),
    ])
    func countsEdits(_ left: String, _ right: String, _ expected: Int) {
        #expect(Suggestion.distance(left, right) == expected)
        #expect(Suggestion.distance(right, left) == expected)
    }

    @Test(arguments: [
        ("lst", "list"), ("dpeloy", "deploy"), ("log", "login"), ("vers", "versions"), ("whoam", "whoami"),
        ("rolback", "rollback"),
    ])
    func findsTheVerbThatWasMeant(_ text: String, _ expected: String) {
        #expect(
            Suggestion.nearest(to: text, among: ["list", "deploy", "login", "versions", "whoami", "rollback"])
                == expected)
    }

    @Test(arguments: ["xyz", "frobnicate", "q"])
    func guessesNothingFar(_ text: String) {
        #expect(Suggestion.nearest(to: text, among: ["list", "deploy", "login"]) == nil)
    }
}
