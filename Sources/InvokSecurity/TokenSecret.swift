public import Invok

/// The secret that signs tokens.
public enum TokenSecret {
    /// The least that RFC 7518 §3.2 allows for HS256, in bytes.
    public static let minimumBytes = 32

    /// What documentation and tutorials put into secrets.
    static let samples = [
        "secret", "changeme", "changeit", "password", "passphrase", "example", "sample", "placeholder", "replaceme",
        "default", "insecure", "yourkey", "yourjwt", "qwerty", "0123456789", "1234567890", "abcdefgh",
    ]
    static let minimumDistinctBytes = 10

    /// Refuses a secret that somebody could guess.
    /// - Throws: `InvokError` with the code `invalid_config`; it does not repeat the secret.
    public static func check(_ secret: [UInt8]) throws(InvokError) {
        guard secret.count >= minimumBytes else {
            throw refused("the token secret is shorter than \(minimumBytes) bytes")
        }
        let letters = String(decoding: secret, as: UTF8.self).lowercased().filter { $0.isLetter || $0.isNumber }
        guard !samples.contains(where: { letters.contains($0) }), Set(secret).count >= minimumDistinctBytes else {
            throw refused("the token secret is a sample or easily guessed")
        }
    }

    private static func refused(_ message: String) -> InvokError {
        InvokError(
            .invalidConfig, message,
            nextStep: "set AUTH_JWT_SECRET to the output of 'openssl rand -hex 32', or leave it out")
    }
}
