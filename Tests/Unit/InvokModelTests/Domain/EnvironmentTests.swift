import Foundation
import InvokModel
import Testing

struct EnvironmentTests {
    @Test(arguments: ["A", "_", "a_b", "TZ", "LANG", "X1", "__", String(repeating: "n", count: 128)])
    func anOrdinaryNameIsTaken(name: String) throws {
        #expect(try Environment([name: "value"]).variables == [name: "value"])
    }

    @Test(arguments: [
        "", "1A", "A-B", "A B", "A=B", "A\n", "Ä", "A\u{0}", "a.b", "INVOK_FUNCTION_NAME", "INVOK_", "LISTEN_FDS",
        "PATH", "HOME",
        "LD_PRELOAD", "LD_", "😀", "A\u{301}", "BASH_FUNC_x%%", String(repeating: "n", count: 129),
    ])
    func anyOtherNameIsRefused(name: String) {
        let error = #expect(throws: InvokError.self) { try Environment([name: "value"]) }
        #expect(error?.code == .invalidConfig)
    }

    @Test func valuesAreAnythingWithoutNUL() throws {
        let values = ["": "", "Q": "\"quoted\" $HOME `id` \\ \n\t", "U": "😀ü"].filter { !$0.key.isEmpty }
        #expect(try Environment(values).variables == values)
        let error = #expect(throws: InvokError.self) { try Environment(["A": "secret\u{0}"]) }
        #expect(error?.message == "the value of env 'A' has a NUL byte")
    }

    @Test func theCountIsLimited() throws {
        let names = (0..<101).map { "N\($0)" }
        _ = try Environment(Dictionary(uniqueKeysWithValues: names.dropLast().map { ($0, "") }))
        let error = #expect(throws: InvokError.self) {
            try Environment(Dictionary(uniqueKeysWithValues: names.map { ($0, "") }))
        }
        #expect(error?.message == "env has 101 variables; at most 100 are allowed")
    }

    @Test func theSizeIsLimitedInBytes() throws {
        _ = try Environment(["A": String(repeating: "é", count: 16 * 1024 - 1) + "x"])
        let error = #expect(throws: InvokError.self) {
            try Environment(["A": String(repeating: "é", count: 16 * 1024)])
        }
        #expect(error?.message.hasPrefix("env is 32769 bytes") == true)
    }

    @Test func jsonRoundTripsThroughTheSameRules() throws {
        let environment = try Environment(["A": "1"])
        #expect(try JSONDecoder().decode(Environment.self, from: JSONEncoder().encode(environment)) == environment)
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode(Environment.self, from: Data(#"{"LD_PRELOAD":"x"}"#.utf8))
        }
    }
}
