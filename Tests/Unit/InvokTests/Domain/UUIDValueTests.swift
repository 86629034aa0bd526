import Invok
import Testing

@Suite struct UUIDValueTests {
    @Test(arguments: [
        "00000000-0000-0000-0000-000000000000", "5f0c4a52-1111-4111-8111-111111111111",
        "ffffffff-ffff-ffff-ffff-ffffffffffff", "01234567-89ab-4cde-bf01-23456789abcd",
    ])
    func printsWhatItParsed(_ text: String) throws {
        #expect(try #require(UUIDValue(text)).description == text)
        #expect(try #require(UUIDValue(text.uppercased())).description == text)
    }

    @Test(arguments: [
        "", "5f0c4a52-1111-4111-8111-11111111111", "5f0c4a52-1111-4111-8111-1111111111111",
        "5f0c4a52+1111-4111-8111-111111111111", "5f0c4a5-21111-4111-8111-111111111111",
        "gf0c4a52-1111-4111-8111-111111111111", "5f0c4a52111141118111111111111111",
    ])
    func refusesAnyOtherText(_ text: String) {
        #expect(UUIDValue(text) == nil)
    }

    @Test func ordersByItsWords() {
        #expect(UUIDValue(high: 1, low: .max) < UUIDValue(high: 2, low: 0))
        #expect(UUIDValue(high: 1, low: 1) < UUIDValue(high: 1, low: 2))
    }
}
