public import Invok

/// The secrets of an installation, each set by the operator or in a file of its own.
public enum Secret: Sendable {
    /// Signs tokens.
    case token
    /// Seals the functions' environments.
    case sealing

    /// The least that RFC 7518 §3.2 allows for HS256, and as many bytes as a key of AES-256 has.
    public static let minimumBytes = 32

    /// What documentation and tutorials put into secrets.
    static let samples = [
        "secret", "changeme", "changeit", "password", "passphrase", "example", "sample", "placeholder", "replaceme",
        "default", "insecure", "yourkey", "yourjwt", "qwerty", "0123456789", "1234567890", "abcdefgh",
    ]
    static let minimumDistinctBytes = 10

    /// Refuses a secret that somebody could guess.
    /// - Throws: `InvokError` with the code `invalid_config`; it does not repeat the secret.
    public func check(_ secret: [UInt8]) throws(InvokError) {
        guard secret.count >= Self.minimumBytes else {
            throw refused("\(name) is shorter than \(Self.minimumBytes) bytes")
        }
        let letters = String(decoding: secret, as: UTF8.self).lowercased().filter { $0.isLetter || $0.isNumber }
        guard !Self.samples.contains(where: { letters.contains($0) }),
            Set(secret).count >= Self.minimumDistinctBytes
        else { throw refused("\(name) is a sample or easily guessed") }
    }

    private func refused(_ message: String) -> InvokError {
        InvokError(
            .invalidConfig, message,
            nextStep: "set \(variable) to the output of 'openssl rand -hex 32', or leave it out")
    }

    var name: String {
        switch self {
        case .token: "the token secret"
        case .sealing: "the secrets key"
        }
    }

    private var variable: String {
        switch self {
        case .token: "AUTH_JWT_SECRET"
        case .sealing: "INVOK_SECRETS_KEY"
        }
    }

    /// What to do about a file that cannot be trusted.
    var nextStepForFile: String {
        switch self {
        case .token: "delete it, so that a new one is made; everybody has to log in again then"
        case .sealing:
            "put it back from a backup, with mode 0600; if others may know it, run 'invok-core secrets rotate' then"
        }
    }
}
