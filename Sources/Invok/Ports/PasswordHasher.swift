/// Password hashes. The text of a hash carries its algorithm and parameters.
public protocol PasswordHasher: Sendable {
    /// Hashes with the current parameters and a fresh salt.
    /// - Throws: rather than give a hash that no password would match.
    func hash(_ password: Password) async throws(PasswordHashError) -> String
    /// Whether the password is the one that was hashed, in time that does not depend on where they differ. A hash that
    /// cannot be read matches nothing.
    func verify(_ password: Password, against hash: String) async throws(PasswordHashError) -> Bool
    /// Whether the hash was made with other parameters than the current ones.
    func needsRehash(_ hash: String) -> Bool
}

public enum PasswordHashError: Error, Hashable, Sendable {
    /// So many wait already that this one would wait too long.
    case busy
    /// The computation got no memory.
    case outOfMemory
}
