import Testing

@testable import InvokCLI

@Suite struct TableTests {
    @Test func alignsColumnsWithoutTrailingSpace() {
        var table = Table("NAME", "URL")
        table.add("hello", "/a")
        table.add("x", "")
        #expect(table.lines == ["NAME   URL", "hello  /a", "x"])
    }

    @Test func aCellCannotBreakTheTable() {
        var table = Table("A", "B")
        table.add("x\ny", "\u{1B}[2J")
        #expect(table.lines == ["A    B", "x y  \\x1B[2J"])
    }
}
