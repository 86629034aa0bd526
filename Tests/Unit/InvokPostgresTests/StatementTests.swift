import Invok
import Testing

@testable import InvokPostgres

@Suite struct StatementTests {
    @Test func encodesParametersAsTextThatEnds() throws {
        #expect(try Parameter.text("a\u{1F600}").encoded() == Array("a\u{1F600}".utf8) + [0])
        #expect(try Parameter.integer(Int64.min).encoded() == Array("-9223372036854775808".utf8) + [0])
        #expect(try Parameter.boolean(true).encoded() == [UInt8(ascii: "t"), 0])
        #expect(try Parameter.bytes([0, 255]).encoded() == [0, 255])
        #expect(try Parameter.null.encoded() == nil)
        #expect(try Parameter.optional(Int?.none).encoded() == nil)
    }

    @Test func refusesTextWithANULByte() {
        #expect(throws: PostgresError.unusable("text with a NUL byte cannot be stored")) {
            try Parameter.text("a\0b").encoded()
        }
    }

    @Test func showsPrintedNULBytes() {
        #expect("a\0b\n".printable == "a\u{FFFD}b\n")
    }

    @Test func laysParametersSideBySide() throws {
        let encoded = try EncodedParameters([.text("ab"), .null, .bytes([]), .bytes([7, 0, 8])])
        encoded.withPointers { values, lengths, formats in
            #expect(values[0].map { String(cString: $0) } == "ab")
            #expect(values[1] == nil)
            #expect(values[2] != nil && lengths[2] == 0)
            #expect(lengths[3] == 3 && formats[3] == 1 && formats[0] == 0)
            #expect(values[3].map { [$0[0], $0[1], $0[2]] } == [7, 0, 8])
        }
    }
}
