import Foundation
import InvokModel
import Testing

struct UUIDValueTests {
    @Test(
        arguments: [
            ("00000000-0000-0000-0000-000000000000", 0, 0),
            ("ffffffff-ffff-ffff-ffff-ffffffffffff", UInt64.max, UInt64.max),
            ("01234567-89ab-cdef-0123-456789abcdef", 0x0123_4567_89AB_CDEF, 0x0123_4567_89AB_CDEF),
            ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", 0xF81D_4FAE_7DEC_11D0, 0xA765_00A0_C91E_6BF6),
        ] as [(String, UInt64, UInt64)])
    func theCanonicalFormRoundTrips(text: String, high: UInt64, low: UInt64) {
        let value = UUIDValue(high: high, low: low)
        #expect(value.description == text)
        #expect(UUIDValue(text) == value)
        #expect(UUIDValue(text.uppercased()) == value)
    }

    @Test(arguments: [
        "", "-", "01234567-89ab-cdef-0123-456789abcde", "01234567-89ab-cdef-0123-456789abcdef0",
        "0123456789abcdef0123456789abcdef", "{01234567-89ab-cdef-0123-456789abcdef}",
        "01234567-89ab-cdef-0123-456789abcdeg", "0123456-789ab-cdef-0123-456789abcdef",
        "01234567_89ab_cdef_0123_456789abcdef", " 1234567-89ab-cdef-0123-456789abcdef",
        "+1234567-89ab-cdef-0123-456789abcdef", "01234567-89ab-cdef-0123-456789abcdé",
        "------------------------------------",
        "٠١٢٣٤٥٦٧-89ab-cdef-0123-456789abcdef", "../../../../../../../../../etc/passwd",
    ])
    func otherTextIsNil(text: String) {
        #expect(UUIDValue(text) == nil)
    }

    @Test func orderIsThatOfTheText() {
        let values = [(0, 1), (0, UInt64.max), (1, 0), (UInt64.max, 0)].map { UUIDValue(high: $0.0, low: $0.1) }
        #expect(values.reversed().sorted() == values)
        #expect(values.map(\.description).sorted() == values.map(\.description))
    }

    @Test func jsonIsItsText() throws {
        let value = UUIDValue(high: 1, low: 2)
        let json = try JSONEncoder().encode([value])
        #expect(String(decoding: json, as: UTF8.self) == #"["00000000-0000-0001-0000-000000000002"]"#)
        #expect(try JSONDecoder().decode([UUIDValue].self, from: json) == [value])
        for wrong in [#"["x"]"#, "[7]", "[null]", "[[]]"] {
            #expect(throws: DecodingError.self) { try JSONDecoder().decode([UUIDValue].self, from: Data(wrong.utf8)) }
        }
    }
}
