import Foundation
import InvokModel
import Testing

@Suite struct PlainTextTests {
    @Test(arguments: [
        ("plain", "plain"), ("tab\tand\nline", "tab\tand\nline"), ("\u{1B}[31mred", "\\x1B[31mred"),
        ("bell\u{07}", "bell\\x07"), ("a\rb", "a\\x0Db"), ("\u{9B}2J", "\\x9B2J"), ("\u{7F}", "\\x7F"),
        ("x\u{202E}y", "x\\u{202E}y"), ("grüße 👋🏽", "grüße 👋🏽"),
    ])
    func makesControlCharactersVisible(_ text: String, _ expected: String) {
        #expect(PlainText.escaped(text) == expected)
    }

    @Test func aLineStaysALine() { #expect(PlainText.escapedLine("a\nb\r\nc") == "a b\\x0D c") }

    @Test(arguments: [
        (0, "0"), (999, "999"), (1000, "1,000"), (12_345, "12,345"), (1_234_567, "1,234,567"), (-1000, "-1,000"),
    ])
    func groupsDigits(_ number: Int, _ expected: String) { #expect(PlainText.number(number) == expected) }

    @Test func aJSONDocumentStaysOneAndSaysTheSame() throws {
        let text = "a\u{9B}31m\u{202E}\u{7F} \u{1B} ü\n\u{1F600}"
        let document = try String(decoding: JSONEncoder().encode([text]), as: UTF8.self)
        let escaped = PlainText.escapedJSON(document)
        #expect(escaped == PlainText.escaped(escaped) && escaped != document)
        #expect(try JSONDecoder().decode([String].self, from: Data(escaped.utf8)) == [text])
    }
}
