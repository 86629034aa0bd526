import Invok
import Testing

@testable import InvokEmbedded

struct LogRecordTests {
    private func entry(_ text: String, instance: InstanceID? = nil) -> LogEntry {
        LogEntry(
            cursor: LogCursor(sequence: 5),
            line: LogLine(time: Timestamp(millisecondsSinceEpoch: 9), source: .stderr, instance: instance, text: text))
    }

    @Test func isOneLine() throws {
        let key = FunctionKey(namespace: Namespace(high: 0, low: 1), name: try FunctionName("a-b"))
        let instance = InstanceID(version: VersionKey(function: key, number: 2), ordinal: 3)
        #expect(
            String(decoding: LogRecord.encode(entry("a\tb\n\\n", instance: instance)), as: UTF8.self)
                == "5\t9\tstderr\t\(instance)\ta\tb\\n\\\\n\n")
    }

    @Test(arguments: ["", "a", "\n", "\\", "\\n", "\\\\n\n", "\t\t", "\u{0}\u{1B}[0m\r", "\u{1F600}"])
    func comesBackAsItWas(_ text: String) {
        #expect(LogRecord.decode(LogRecord.encode(entry(text))[...]) == [entry(text)])
    }

    @Test func whatIsNoRecordIsPassedOver() {
        let bytes = Array("garbage\n\n1\t2\tnowhere\t-\tx\n".utf8) + LogRecord.encode(entry("a")) + [0xFF, 0x00]
        #expect(LogRecord.decode(bytes[...]) == [entry("a")])
        #expect(LogRecord.wholeLength(bytes) == bytes.count - 2)
    }
}
