import InvokModel
import Testing

struct CommonPasswordsTests {
    private func isTaken(_ password: String) throws -> Bool {
        do throws(InvokError) {
            _ = try Password(new: password, of: Email("augusta.ada@example.com"))
            return true
        } catch {
            #expect(error.code == .invalidPassword && error.nextStep != nil)
            return false
        }
    }

    @Test(arguments: [
        "password", "Password1", "P@ssw0rd!", "passw0rd123", "12345678", "87654321", "1234567890", "aaaaaaaa",
        "abcabcabc",
        "qwertyui", "QWERTYUIOP", "1q2w3e4r", "1qaz2wsx", "iloveyou", "letmein!!", "welcome2024", "sunshine1",
        "invok123",
        "invokinvok", "administrator", "changeme1", "football99", "augusta.ada", "Augusta.Ada1",
        "augusta.ada@example.com",
        "11223344556677889900".replacing("11223344556677889900", with: "01234567"), "trustno1!", "hello123",
    ])
    func whatIsGuessedFirstIsRefused(password: String) throws {
        #expect(try !isTaken(password))
    }

    @Test(arguments: [
        "correct horse battery", "longenough", "a long password", "another password", "пароль密碼🔑🔑", "tr0ub4dor&3",
        "mypasswordisverylong", "xkqzwpvt", "augusta.ada and more",
    ])
    func othersAreTaken(password: String) throws {
        #expect(try isTaken(password))
    }

    /// Who has such a password already can still log in with it.
    @Test func anOldPasswordIsStillOne() throws {
        _ = try Password("password")
    }

    @Test func theLimitsHoldForNewOnesToo() throws {
        #expect(try !isTaken("short"))
        #expect(try !isTaken(String(repeating: "long ", count: 400)))
    }
}
