import InvokModel
import Testing

struct CredentialsTests {
    @Test(arguments: [
        "a@b", "name@example.com", "first.last+tag@sub.example.co.uk", "o'brien@example.com", "jörg@exämple.de",
        "用户@例え.jp", String(repeating: "a", count: 64) + "@example.com",
    ])
    func anAddressIsTaken(text: String) throws {
        #expect(try Email(text).description == text)
    }

    @Test func oneAddressInAnyCaseIsOne() throws {
        #expect(try Email("Name@EXAMPLE.com") == Email("name@example.COM"))
        #expect(try Email("Name@EXAMPLE.com").description == "name@example.com")
    }

    @Test func equivalentTextIsOneAddressAndOnePassword() throws {
        #expect(try Array(Email("jo\u{308}rg@b.de").description.utf8) == Array("j\u{F6}rg@b.de".utf8))
        #expect(try Password("pa\u{308}sswort").bytes == Password("p\u{E4}sswort").bytes)
    }

    @Test(arguments: [
        "", "@", "a", "a@", "@b", "a@b@c", "a b@c", "a@b c", " a@b", "a@b ", "a\n@b", "a@b\r\n", "a@\u{0}", "a\u{7F}@b",
        "a\u{A0}@b", "a@.b", "a@b.", "a@b..c", String(repeating: "a", count: 65) + "@b.c", "a\u{2028}@b",
        "a\u{9B}31m@b.c", "a\u{202E}@b.c", "a\u{200B}@b.c", "a@b\u{2066}.c", "a\u{AD}@b.c", "a\u{E000}@b.c",
        "a@" + String(repeating: "b", count: 253), String(repeating: "@", count: 1_000_000),
    ])
    func anythingElseIsRefusedShortly(text: String) {
        let error = #expect(throws: InvokError.self) { try Email(text) }
        #expect(error?.code == .invalidEmail)
        #expect((error?.message.utf8.count ?? .max) < 500)
    }

    /// İ lower-cased is longer: the stored text must keep the limit too.
    @Test func loweringDoesNotPassTheLimit() throws {
        let text = String(repeating: "İ", count: 32) + "@" + String(repeating: "İ", count: 94)
        if let email = try? Email(text) { #expect(email.description.utf8.count <= Email.maximumLength) }
    }

    @Test(arguments: [8, 64, 1024])
    func passwordsFrom8To1024CharactersAreTaken(count: Int) throws {
        for character in ["x", "ü", "😀", " "] {
            let text = String(repeating: character, count: count)
            #expect(try Password(text).bytes == Array(text.utf8))
        }
    }

    @Test(arguments: ["", "1234567", "😀😀😀😀😀😀😀", "e\u{301}e\u{301}e\u{301}e\u{301}"])
    func shortPasswordsAreRefused(text: String) {
        let error = #expect(throws: InvokError.self) { try Password(text) }
        #expect(error?.code == .invalidPassword)
        #expect(error?.nextStep == "use at least 8 characters")
    }

    @Test func longPasswordsAreRefused() {
        let one = "e" + String(repeating: "\u{301}", count: 5000)
        for text in [String(repeating: "x", count: 1025), String(repeating: one, count: 8)] {
            let error = #expect(throws: InvokError.self) { try Password(text) }
            #expect(error?.nextStep == "use at most 1024 characters")
        }
    }

    @Test func aPasswordIsNotPrinted() throws {
        let password = try Password("correct horse")
        #expect("\(password)" == "(password)")
        #expect(String(reflecting: password) == "(password)")
        var dumped = ""
        dump(password, to: &dumped)
        #expect(!dumped.contains("99"))
    }
}
