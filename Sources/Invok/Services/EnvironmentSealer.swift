import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The key that environments are sealed with, derived from an installation's secret (HKDF, RFC 5869).
public struct SealingKey: Sendable {
    /// Names the key in what it has sealed, so that keys can be told apart; nothing of the key can be learnt from it.
    public let name: String
    fileprivate let key: SymmetricKey

    /// - Parameter secret: at least 32 bytes that nobody can guess. That they are is for its reader to check.
    public init(secret: [UInt8]) {
        func derive(_ purpose: String, _ count: Int) -> SymmetricKey {
            HKDF<SHA256>.deriveKey(
                inputKeyMaterial: SymmetricKey(data: secret), info: Array("invok \(purpose)".utf8),
                outputByteCount: count)
        }
        key = derive("environments", 32)
        name = derive("key name", 32).withUnsafeBytes { String(Digest(of: $0).description.prefix(16)) }
    }
}

/// Seals what is secret in a version before the store sees it (AES-256-GCM, NIST SP 800-38D), and opens it again.
///
/// What is sealed belongs to one function: it cannot be opened for another one, so that nobody who may write to the store
/// gives one tenant's secrets to another's code.
public struct EnvironmentSealer: Sendable {
    public let key: SealingKey
    private let randomness: any Randomness

    /// - Parameter randomness: the nonces come from it; no two may ever be the same for one key.
    public init(key: SealingKey, randomness: any Randomness) {
        self.key = key
        self.randomness = randomness
    }

    /// The same settings with their environment sealed; unchanged when there is nothing in it, or it is sealed already.
    public func seal(_ settings: VersionSettings, of function: FunctionKey) -> VersionSettings {
        guard settings.sealed == nil, settings.environment != .empty else { return settings }
        return settings.with(.empty, sealed: box(settings.environment, function))
    }

    /// The same settings with their environment open.
    /// - Returns: `nil` when another key sealed it, it was sealed for another function, or it was changed since.
    public func open(_ settings: VersionSettings, of function: FunctionKey) -> VersionSettings? {
        guard let sealed = settings.sealed else { return settings }
        guard sealed.keyName == key.name, let box = try? AES.GCM.SealedBox(combined: sealed.box),
            let json = try? AES.GCM.open(box, using: key.key, authenticating: Self.context(function)),
            let environment = try? JSONDecoder().decode(Environment.self, from: json)
        else { return nil }
        return settings.with(environment, sealed: nil)
    }

    private func box(_ environment: Environment, _ function: FunctionKey) -> SealedEnvironment {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let nonce = [randomness.next(), randomness.next()].flatMap { word in withUnsafeBytes(of: word) { Array($0) } }
        // None of it fails for texts and a nonce of 96 bits.
        guard let json = try? encoder.encode(environment), let nonce = try? AES.GCM.Nonce(data: nonce.prefix(12)),
            let box = try? AES.GCM.seal(json, using: key.key, nonce: nonce, authenticating: Self.context(function)),
            let combined = box.combined
        else { preconditionFailure("an environment of texts can be sealed") }
        return SealedEnvironment(keyName: key.name, box: Array(combined))
    }

    /// What is authenticated with the environment: whose it is.
    private static func context(_ function: FunctionKey) -> [UInt8] { Array("invok env \(function)".utf8) }
}
