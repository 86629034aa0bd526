import Invok
import Testing

@Suite struct LineSplitterTests {
    @Test func joinsWhatComesInParts() {
        var splitter = LineSplitter()
        #expect(splitter.append(Array("one\ntw".utf8)) == ["one"])
        #expect(splitter.append(Array("o\r\n\nrest".utf8)) == ["two", ""])
        #expect(splitter.restBytes == 4 && splitter.finish() == "rest")
        #expect(splitter.restBytes == 0 && splitter.finish() == nil)
    }

    @Test func longLinesAreCutAndSayByHowMuch() {
        var splitter = LineSplitter()
        let exact = [UInt8](repeating: UInt8(ascii: "x"), count: LogLine.maximumBytes)
        let text = String(decoding: exact, as: UTF8.self)
        #expect(splitter.append(exact + Array("\nnext\n".utf8)) == [text, "next"])
        #expect(
            splitter.append(exact + exact + Array("abc\r\nnext\n".utf8)) == [text + " … [262,148 bytes cut]", "next"])
        // No character is cut in two.
        let last = splitter.append(exact.dropLast() + Array("\u{1F600}tail\n".utf8))
        #expect(last == [text.dropLast() + " … [8 bytes cut]"])
    }

    /// Whoever shows a line escapes it.
    @Test func keepsWhatWasPrinted() {
        var splitter = LineSplitter()
        #expect(splitter.append([0x1B, 0x5B, 0x0A, 0xFF, 0x0A]) == ["\u{1B}[", "\u{FFFD}"])
        #expect(splitter.append(Array("a\u{9B}31m\u{202E}b\r\t\n".utf8)) == ["a\u{9B}31m\u{202E}b\r\t"])
    }
}
