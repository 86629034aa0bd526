import Invok
import Testing

@testable import InvokHost

@Suite struct LineSplitterTests {
    @Test func joinsWhatComesInParts() {
        var splitter = LineSplitter()
        #expect(splitter.append(Array("one\ntw".utf8)) == ["one"])
        #expect(splitter.append(Array("o\r\n\nrest".utf8)) == ["two", ""])
        #expect(splitter.finish() == "rest")
        #expect(splitter.finish() == nil)
    }

    @Test func cutsLongLinesAndEscapesControlCharacters() {
        var splitter = LineSplitter()
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: LogLine.maximumBytes + 10)
        #expect(splitter.append(long + Array("\nnext\n".utf8)).map(\.utf8.count) == [LogLine.maximumBytes, 4])
        #expect(splitter.append([0x1B, 0x5B, 0x0A]) == ["\\x1b["])
    }
}
