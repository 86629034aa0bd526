import CryptoExtras
import Foundation
public import Invok
import Synchronization

/// Password hashes by scrypt (RFC 7914), as text in the PHC string format: `$scrypt$ln=17,r=8,p=1$SALT$HASH`.
public final class ScryptPasswordHasher: PasswordHasher {
    static let saltBytes = 16
    static let hashBytes = 32

    private let parameters: ScryptParameters
    private let queue: OperationQueue
    private let maximumPending: Int
    private let pending = Mutex(0)

    /// - Parameters:
    ///   - parameters: for new hashes. Older hashes carry their own.
    ///   - maximumConcurrency: how many hashes are computed at a time; each takes `parameters.memoryBytes`.
    ///   - maximumPending: how many may be computed or wait at a time; more are refused as `busy`.
    public init(
        parameters: ScryptParameters = .standard, maximumConcurrency: Int = 2, maximumPending: Int = 64
    ) {
        self.parameters = parameters
        self.maximumPending = maximumPending
        // Threads of its own: a hash takes a good part of a second, which the few of the cooperative pool cannot spare.
        queue = OperationQueue()
        queue.name = "invok.scrypt"
        queue.maxConcurrentOperationCount = maximumConcurrency
    }

    public func hash(_ password: Password) async throws(PasswordHashError) -> String {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<Self.saltBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let hash = try await derive(password, salt: salt, parameters, byteCount: Self.hashBytes)
        return PHCString(parameters: parameters, salt: salt, hash: hash).description
    }

    public func verify(_ password: Password, against hash: String) async throws(PasswordHashError) -> Bool {
        guard let stored = PHCString(hash) else { return false }
        let computed = try await derive(
            password, salt: stored.salt, stored.parameters, byteCount: stored.hash.count)
        return isEqualInConstantTime(computed, stored.hash)
    }

    public func needsRehash(_ hash: String) -> Bool {
        guard let stored = PHCString(hash) else { return true }
        return stored.parameters != parameters || stored.salt.count != Self.saltBytes
            || stored.hash.count != Self.hashBytes
    }

    func derive(
        _ password: Password, salt: [UInt8], _ parameters: ScryptParameters, byteCount: Int
    ) async throws(PasswordHashError) -> [UInt8] {
        let isTaken = pending.withLock { pending in
            guard pending < maximumPending else { return false }
            pending += 1
            return true
        }
        guard isTaken else { throw .busy }
        defer { pending.withLock { $0 -= 1 } }
        let derived: [UInt8]? = await withCheckedContinuation { continuation in
            queue.addOperation {
                let key = try? KDF.Scrypt.deriveKey(
                    from: password.bytes, salt: salt, outputByteCount: byteCount, rounds: parameters.rounds,
                    blockSize: parameters.blockSize, parallelism: parameters.parallelism)
                continuation.resume(returning: key?.withUnsafeBytes { Array($0) })
            }
        }
        guard let derived else { throw .outOfMemory }
        return derived
    }
}

/// Compares without a branch on the content, so that the time says nothing about where they differ.
func isEqualInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
}
