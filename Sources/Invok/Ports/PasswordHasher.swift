/// Password hashes. The text of a hash carries its algorithm and parameters.
public protocol PasswordHasher: Sendable {
    /// Hashes with the current parameters and a fresh salt.
    func hash(_ password: Password) async -> String
    /// Whether the password is the one that was hashed, in time that does not depend on where they differ. A hash that
    /// cannot be read matches nothing.
    func verify(_ password: Password, against hash: String) async -> Bool
    /// Whether the hash was made with other parameters than the current ones.
    func needsRehash(_ hash: String) -> Bool
}
