import InvokModel
import Testing

@Suite struct LogFilterTests {
    private func matches(_ conditions: [String], _ text: String) throws -> Bool {
        let line = LogLine(time: Timestamp(millisecondsSinceEpoch: 0), source: .stdout, instance: nil, text: text)
        return LogFilter(conditions: try conditions.map { try LogCondition($0) }).matches(line)
    }

    @Test(arguments: [
        ("level=error", #"{"level":"error"}"#, true), ("level=error", #"  {"level":"info","x":"level=error"}"#, false),
        ("level=error", #"{"level":"ERROR"}"#, false), ("level=error", "level=error", false),
        ("level=error", #"["level","error"]"#, false), ("level=error", #"{"level":"error""#, false),
        ("level=50", #"{"level":50}"#, true), ("level=50", #"{"level":50.0}"#, true),
        ("level=50", #"{"level":"50"}"#, true),
        ("level=50", #"{"level":500}"#, false), ("ok=true", #"{"ok":true}"#, true), ("ok=1", #"{"ok":true}"#, false),
        ("error=null", #"{"error":null}"#, true), ("error=null", #"{"x":1}"#, false),
        ("a.b=1", #"{"a":{"b":1}}"#, true),
        ("a.b=1", #"{"a.b":1}"#, true), ("a.b.c=x", #"{"a":{"b.c":"x"}}"#, true), ("a.b=1", #"{"a":{"c":1}}"#, false),
        ("a.b=1", #"{"a":1}"#, false), ("tags=x", #"{"tags":["y","x"]}"#, true),
        ("tags=z", #"{"tags":["y",null]}"#, false), ("tags=null", #"{"tags":["y",null]}"#, true),
        ("a.b=null", #"{"a":{"b":null}}"#, true), ("text=a=b", #"{"text":"a=b"}"#, true),
        ("text=", #"{"text":""}"#, true),
        ("ü.é=ß", #"{"ü":{"é":"ß"}}"#, true), ("a=[object]", #"{"a":{}}"#, false),
    ])
    func looksIntoJSON(_ condition: String, _ text: String, _ expected: Bool) throws {
        #expect(try matches([condition], text) == expected)
    }

    @Test func allMustHold() throws {
        let line = #"{"level":"error","http":{"status":500}}"#
        #expect(try matches(["level=error", "http.status=500"], line))
        #expect(try !matches(["level=error", "http.status=404"], line))
        #expect(try matches([], "anything"))
    }

    @Test(arguments: ["", "level", "=error", String(repeating: "x", count: 600) + "=1"])
    func refuses(_ text: String) { #expect(throws: InvokError.self) { try LogCondition(text) } }

    @Test func aPatternAndConditionsBothHold() throws {
        let filter = LogFilter(conditions: [try LogCondition("a=1")], pattern: try TextPattern("b"))
        func matches(_ text: String) -> Bool {
            filter.matches(
                LogLine(time: Timestamp(millisecondsSinceEpoch: 0), source: .stderr, instance: nil, text: text))
        }
        #expect(matches(#"{"a":1,"b":2}"#) && !matches(#"{"a":1}"#) && !matches("b"))
    }
}
