import Invok
import InvokAuth
import Testing

struct SecretTests {
    private func check(_ text: String) throws { try Secret.token.check(Array(text.utf8)) }

    @Test(arguments: [
        "", "secret", "changeme", "short-but-random-9f8a7b6c5d4e3",
        "super-secret-jwt-token-with-at-least-32-characters",
        "SECRETsecretSECRETsecretSECRETsecret", "change-me-change-me-change-me-change-me",
        "your-256-bit-secret-your-256-bit-secret", "a-string-secret-at-least-256-bits-long",
        "Password1Password1Password1Password1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "abababababababababababababababababababab", "01234567890123456789012345678901",
        "example-key-example-key-example-key", "your_jwt_key_your_jwt_key_your_jwt_key",
    ])
    func aGuessableSecretIsRefusedWithoutRepeatingIt(text: String) {
        let error = #expect(throws: InvokError.self) { try check(text) }
        #expect(error?.code == .invalidConfig)
        #expect(error?.nextStep?.contains("openssl rand") == true)
        if !text.isEmpty, text != "secret" { #expect(error?.message.contains(text) == false) }
    }

    @Test(arguments: [
        "8f14e45fceea167a5a36dedd4bea2543", "vQ3kT9xZ1mB7nR5pL2wY8cJ4hG6fD0sA",
        "correct horse battery staple, and a mule",
    ])
    func aGoodSecretIsTaken(text: String) throws { try check(text) }

    @Test func binarySecretsAreTaken() throws {
        try Secret.token.check((0..<32).map { UInt8(truncatingIfNeeded: $0 * 73 + 0x80) })
    }

    @Test func theOperatorIsToldWhichOneItIs() {
        for (secret, variable) in [(Secret.token, "AUTH_JWT_SECRET"), (.sealing, "INVOK_SECRETS_KEY")] {
            let error = #expect(throws: InvokError.self) { try secret.check(Array("changeme".utf8)) }
            #expect(error?.nextStep?.contains(variable) == true)
        }
    }
}
