import Foundation
import InvokModel
import Testing

struct FunctionNameTests {
    @Test(arguments: ["a", "hello", "hello-world", "a1", "a-1-b-2", "x9y8z7", "abcdefghijklmnopqrstuvwxy"])
    func aNameWithinTheRuleIsTaken(text: String) throws {
        #expect(try FunctionName(text).description == text)
    }

    @Test(arguments: [
        "", "-", "-a", "a-", "a--b", "1a", "A", "aB", "a_b", "a.b", "a/b", "a b", " a", "a ", "a\n", "a\u{0}", "..",
        "abcdefghijklmnopqrstuvwxyz", "é", "аbc", "a\u{301}", "ａ", "hello%2f", "😀", "a;rm", "$(id)", "a\u{202E}b",
        String(repeating: "a", count: 1_000_000),
    ])
    func anyOtherIsRefusedWithTheRule(text: String) {
        let error = #expect(throws: InvokError.self) { try FunctionName(text) }
        #expect(error?.code == .invalidName)
        #expect(error?.nextStep?.contains("1 to 25 of a-z, 0-9 and single dashes") == true)
        #expect((error?.message.utf8.count ?? .max) < 500)
    }

    @Test func namesDecodeThroughTheSameRule() throws {
        #expect(try JSONDecoder().decode([FunctionName].self, from: Data(#"["ok"]"#.utf8)) == [FunctionName("ok")])
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode([FunctionName].self, from: Data(#"["../up"]"#.utf8))
        }
        #expect(try JSONEncoder().encode([FunctionName("ok")]) == Data(#"["ok"]"#.utf8))
    }

    @Test func namesSortAsText() throws {
        let names = try ["b", "a-b", "a1", "a"].map { try FunctionName($0) }
        #expect(names.sorted().map(\.description) == ["a", "a-b", "a1", "b"])
    }
}
