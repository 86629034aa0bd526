import InvokModel
import Testing

struct PasscodeTests {
    @Test func aCodeIsSixteenLettersInGroups() {
        #expect(Passcode(bytes: [UInt8](repeating: 0, count: 10)).description == "0000-0000-0000-0000")
        #expect(Passcode(bytes: [UInt8](repeating: 0xFF, count: 20)).description == "ZZZZ-ZZZZ-ZZZZ-ZZZZ")
        #expect(Passcode(bytes: [0x08, 0x42, 0x10, 0x84, 0x21, 0, 0, 0, 0, 1]).description == "1111-1111-0000-0001")
    }

    @Test(arguments: ["10ab-cdef-ghjk-mnpq", " LOAB CDEFGHJKMNPQ\n", "ioAbCdEfGhJkMnPq"])
    func whatIsTypedOtherwiseIsTheSame(text: String) {
        #expect(Passcode.digest(of: text) == Passcode.digest(of: "10AB-CDEF-GHJK-MNPQ"))
    }

    @Test func otherCodesAreOthers() {
        #expect(Passcode.digest(of: "10AB-CDEF-GHJK-MNPR") != Passcode.digest(of: "10AB-CDEF-GHJK-MNPQ"))
        #expect(Passcode.digest(of: "") != Passcode.digest(of: "0"))
    }
}
