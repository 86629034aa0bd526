public import Invok

/// Hashes at once. Never to be used for a real password.
public struct SimPasswordHasher: PasswordHasher {
    private let generation: Int
    private let effects: SimEffects
    private let processors: SimQueue?

    /// - Parameter generation: stands for the parameters; a hash of another one needs a rehash.
    public init(generation: Int = 1, effects: SimEffects = SimEffects()) {
        self.init(generation: generation, effects: effects, processors: nil)
    }

    /// - Parameter processors: the machine's, on which it hashes; `nil` for as many as are needed.
    package init(generation: Int = 1, effects: SimEffects, processors: SimQueue?) {
        self.generation = generation
        self.effects = effects
        self.processors = processors
    }

    public func hash(_ password: Password) async throws(PasswordHashError) -> String {
        await effects.perform("passwords.hash", at: processors) { "sim$\(generation)$\(Digest(of: password.bytes))" }
    }

    public func verify(_ password: Password, against hash: String) async throws(PasswordHashError) -> Bool {
        await effects.perform("passwords.verify", at: processors) {
            let parts = hash.split(separator: "$", omittingEmptySubsequences: false)
            return parts.count == 3 && parts[0] == "sim" && parts[2] == Digest(of: password.bytes).description
        }
    }

    public func needsRehash(_ hash: String) -> Bool { !hash.hasPrefix("sim$\(generation)$") }
}

/// Tokens that can be read by a person, sealed with a digest over a secret.
public struct SimTokenCodec: TokenCodec {
    private let secret: String

    public init(secret: String = "sim") {
        self.secret = secret
    }

    public func sign(_ claims: TokenClaims) async throws(TokenError) -> String {
        let generation =
            switch claims.purpose {
            case .access: "-"
            case .refresh(let generation): "\(generation)"
            }
        let text = [
            "sim", "\(claims.user)", claims.session?.description ?? "-", generation,
            "\(claims.loggedInAt.millisecondsSinceEpoch)", "\(claims.issuedAt.millisecondsSinceEpoch)",
            "\(claims.expiresAt.millisecondsSinceEpoch)",
        ].joined(separator: ".")
        return "\(text).\(seal(text))"
    }

    public func verify(_ token: String, now: Timestamp) async throws(TokenError) -> TokenClaims {
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Substring.init)
        guard parts.count == 8, parts[0] == "sim", let user = UserID(parts[1]), let loggedIn = Int64(parts[4]),
            let issued = Int64(parts[5]), let expires = Int64(parts[6])
        else { throw .invalid("malformed") }
        guard parts[7] == seal(token[..<parts[6].endIndex]) else { throw .invalid("forged") }
        guard now.millisecondsSinceEpoch < expires else { throw .invalid("expired") }
        return TokenClaims(
            user: user, session: UUIDValue(parts[2]), loggedInAt: Timestamp(millisecondsSinceEpoch: loggedIn),
            purpose: Int(parts[3]).map { .refresh(generation: $0) } ?? .access,
            issuedAt: Timestamp(millisecondsSinceEpoch: issued),
            expiresAt: Timestamp(millisecondsSinceEpoch: expires))
    }

    private func seal(_ text: some StringProtocol) -> String {
        Digest(of: Array(secret.utf8) + [UInt8(ascii: "\n")] + Array(text.utf8)).description
    }
}

extension SealingKey {
    /// The key of all simulated installations.
    package static let simulated = SealingKey(secret: Array("simulated secrets are worth nothing".utf8))
}
