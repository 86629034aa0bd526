import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The key that environments and secrets are sealed with, derived from an installation's secret (HKDF, RFC 5869).
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

/// Seals what is secret in a version, and the values of secrets, before the store sees it (AES-256-GCM, NIST SP 800-38D),
/// and opens it again.
///
/// What is sealed belongs to one function or is one secret's value: it cannot be opened for another one, so that nobody who
/// may write to the store gives one tenant's secrets to another's code.
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
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        guard let json = try? encoder.encode(settings.environment) else {
            preconditionFailure("an environment of texts has a JSON form")
        }
        return settings.with(.empty, sealed: box(json, Self.context(function)))
    }

    /// The same settings with their environment open.
    /// - Returns: `nil` when another key sealed it, it was sealed for another function, or it was changed since.
    public func open(_ settings: VersionSettings, of function: FunctionKey) -> VersionSettings? {
        guard let sealed = settings.sealed else { return settings }
        guard let json = open(sealed, Self.context(function)),
            let environment = try? JSONDecoder().decode(Environment.self, from: json)
        else { return nil }
        return settings.with(environment, sealed: nil)
    }

    /// A secret's value sealed.
    public func seal(_ value: SecretValue, of key: SecretKey) -> SealedValue {
        box(Data(value.text.utf8), Self.context(key))
    }

    /// A secret's value open.
    /// - Returns: `nil` when another key sealed it, it is another secret's, or it was changed since.
    public func open(_ value: SealedValue, of key: SecretKey) -> SecretValue? {
        open(value, Self.context(key)).flatMap { try? SecretValue(String(decoding: $0, as: UTF8.self)) }
    }

    private func open(_ sealed: SealedValue, _ context: [UInt8]) -> Data? {
        guard sealed.keyName == key.name, let box = try? AES.GCM.SealedBox(combined: sealed.box) else { return nil }
        return try? AES.GCM.open(box, using: key.key, authenticating: context)
    }

    private func box(_ plain: Data, _ context: [UInt8]) -> SealedValue {
        let nonce = [randomness.next(), randomness.next()].flatMap { word in withUnsafeBytes(of: word) { Array($0) } }
        // None of it fails for a nonce of 96 bits.
        guard let nonce = try? AES.GCM.Nonce(data: nonce.prefix(12)),
            let box = try? AES.GCM.seal(plain, using: key.key, nonce: nonce, authenticating: context),
            let combined = box.combined
        else { preconditionFailure("bytes can be sealed") }
        return SealedValue(keyName: key.name, box: Array(combined))
    }

    /// What is authenticated with the environment: whose it is.
    private static func context(_ function: FunctionKey) -> [UInt8] { Array("invok env \(function)".utf8) }

    /// What is authenticated with a secret: which one it is.
    private static func context(_ key: SecretKey) -> [UInt8] { Array("invok secret \(key)".utf8) }
}
