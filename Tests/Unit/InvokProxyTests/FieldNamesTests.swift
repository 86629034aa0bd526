import Testing

@testable import InvokProxy

struct FieldNamesTests {
    private let names = FieldNames(["te", "Keep-Alive", "x-real-ip", "upgrade"])

    @Test(arguments: ["te", "TE", "keep-alive", "KEEP-ALIVE", "X-Real-IP", "Upgrade"])
    func aNameIsKnownInAnyCase(name: String) { #expect(names.contains(Array(name.utf8)[...])) }

    /// Bytes that differ from a letter by the bit of its case alone are other bytes.
    @Test(arguments: ["", "t", "tee", "keep\u{0D}alive", "keep_alive", "uograde", "x-real-iq", "\u{14}e", "xx-real-ip"])
    func anotherNameIsNot(name: String) { #expect(!names.contains(Array(name.utf8)[...])) }

    @Test func aPartOfLargerBytesIsMeant() {
        let bytes = Array("a: upgrade".utf8)
        #expect(names.contains(bytes[3...]) && !names.contains(bytes[2...]))
    }

    @Test func nothingIsInNone() { #expect(!FieldNames([]).contains(Array("a".utf8)[...])) }
}
