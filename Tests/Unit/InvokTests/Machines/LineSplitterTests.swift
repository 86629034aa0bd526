import Invok
import Testing

@Suite struct LineSplitterTests {
    @Test func joinsWhatComesInParts() {
        var splitter = LineSplitter()
        #expect(splitter.append(Array("one\ntw".utf8)) == ["one"])
        #expect(splitter.append(Array("o\r\n\nrest".utf8)) == ["two", ""])
        #expect(splitter.finish() == "rest")
        #expect(splitter.finish() == nil)
    }

    @Test func tellsWhatHasNoEndYet() {
        var splitter = LineSplitter()
        #expect(!splitter.hasRest)
        _ = splitter.append(Array("one\ntw".utf8))
        #expect(splitter.hasRest)
        _ = splitter.finish()
        #expect(!splitter.hasRest)
    }

    @Test func cutsLongLinesAndEscapesControlCharacters() {
        var splitter = LineSplitter()
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: LogLine.maximumBytes + 10)
        #expect(splitter.append(long + Array("\nnext\n".utf8)).map(\.utf8.count) == [LogLine.maximumBytes, 4])
        #expect(splitter.append([0x1B, 0x5B, 0x0A]) == ["\\x1B["])
        // CSI as one character, and a reversal of the reading order.
        #expect(splitter.append(Array("a\u{9B}31m\u{202E}b\n".utf8)) == ["a\\x9B31m\\u{202E}b"])
    }

    @Test func escapesMakeNoLineLongerThanAllowed() {
        var splitter = LineSplitter()
        let line = Array(String(repeating: "ü\u{9B}", count: LogLine.maximumBytes / 4).utf8)
        let cut = splitter.append(line + [0x0A])
        #expect(cut.map(\.utf8.count).allSatisfy { (LogLine.maximumBytes - 3...LogLine.maximumBytes).contains($0) })
        #expect(!cut[0].contains("\u{FFFD}"))
    }
}
