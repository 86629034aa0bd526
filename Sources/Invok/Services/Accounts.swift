import Logging
import Synchronization

/// Who is asking, as proved by a token.
public struct Principal: Hashable, Sendable {
    public let user: User

    /// The user's own namespace.
    public var namespace: Namespace { user.id }
}

/// What a successful registration or log-in gives.
public struct Session: Hashable, Sendable {
    public let token: String
    public let user: User
}

/// Registration, log-in and tokens.
public final class Accounts: Sendable {
    /// How long the API believes in a user that was read; with the store away, as long as that lasts.
    static let userFreshness = Duration.seconds(10)
    static let userCacheLimit = 10_000

    private let world: World
    private let settings: SystemSettings
    private let rates: RateLimits
    private let logger: Logger
    private let tokens: VerifiedTokens
    private let revocations: Revocations
    private let quotas: Quotas
    private let registrations: Registrations
    private let users = Mutex(ClockCache<UserID, (user: User, readAt: Instant)>(capacity: userCacheLimit))

    init(
        world: World, settings: SystemSettings, registrations: Registrations, revocations: Revocations, quotas: Quotas,
        logger: Logger
    ) {
        self.registrations = registrations
        self.world = world
        self.settings = settings
        self.revocations = revocations
        self.quotas = quotas
        self.logger = logger
        tokens = VerifiedTokens(codec: world.tokens, clock: world.clock)
        rates = RateLimits(cache: world.cache, clock: world.clock, logger: logger)
    }

    /// Makes an account with a namespace of its own and logs it in.
    /// - Parameters:
    ///   - code: an invitation's, or the one that the very first account takes.
    ///   - client: the address that asks, for the rate limit.
    /// - Throws: `invalid_email`, `invalid_password`, `registration_closed`, `email_taken`, `too_many_requests`,
    ///   `unavailable`.
    public func register(
        email: String, password: String, code: String? = nil, client: String
    ) async throws(InvokError) -> Session {
        let email = try Email(email)
        let password = try Password(new: password, of: email)
        try await rates.count("register:address:\(client)", limit: settings.attemptsPerAddress)
        // Before the address is looked up: who may not register learns nothing of it, nor by the time that it takes.
        let ticket = try await registrations.ticket(code)
        // Hashing costs what an answer about a taken address costs, so looking first gives nothing away that the
        // answer itself does not.
        if try await storing({ () throws(StoreError) in try await world.store.user(withEmail: email) }) != nil {
            throw Self.emailTaken
        }
        let user = User(
            id: UUIDValue(randomness: world.randomness), email: email, passwordHash: try await hash(password),
            role: .developer, createdAt: world.clock.wallTime())
        let created: User
        do throws(StoreError) {
            created =
                if let ticket {
                    try await world.accounts.createUser(user, by: ticket)
                } else {
                    try await world.store.createUser(user)
                }
        } catch .conflict {
            throw Self.emailTaken
        } catch .notFound {
            throw .invitationUsed
        } catch {
            throw InvokError(error)
        }
        await readQuotas()
        return try await session(for: created)
    }

    /// - Parameter client: the address that asks, for the rate limit.
    /// - Throws: `wrong_credentials`, whether the account exists or not; `account_disabled`, `too_many_requests`,
    ///   `unavailable`.
    public func login(email: String, password: String, client: String) async throws(InvokError) -> Session {
        try await rates.count("login:address:\(client)", limit: settings.attemptsPerAddress)
        guard let email = try? Email(email), let password = try? Password(password) else {
            throw .wrongCredentials
        }
        try await rates.count("login:account:\(email)", limit: settings.attemptsPerAccount)
        guard let user = try await storing({ () throws(StoreError) in try await world.store.user(withEmail: email) })
        else {
            // The same work as for a known account, so that time does not tell them apart.
            _ = try await hash(password)
            throw .wrongCredentials
        }
        guard try await verify(password, user) else { throw .wrongCredentials }
        guard !user.isDisabled else {
            throw InvokError(.accountDisabled, "the account is disabled", nextStep: "ask the operator")
        }
        if world.passwords.needsRehash(user.passwordHash) { await rehash(password, of: user) }
        return try await session(for: user)
    }

    /// Who is the only user has another quota than who is not, from now on. It is read at intervals too.
    private func readQuotas() async {
        do throws(StoreError) {
            try await quotas.refresh()
        } catch {
            logger.debug("the quotas were not read", metadata: ["reason": "\(error)"])
        }
    }

    /// Keeps the password with the current parameters. The old hash does as well, so nobody is kept out when this fails.
    private func rehash(_ password: Password, of user: User) async {
        do {
            let hash = try await world.passwords.hash(password)
            // Hashing takes long; what was changed about the user meanwhile must not be undone.
            guard var current = try await world.store.user(user.id), current.passwordHash == user.passwordHash else {
                return
            }
            current.passwordHash = hash
            try await world.store.updateUser(current)
        } catch {
            logger.warning("a password was not hashed anew", metadata: ["user": "\(user.id)", "reason": "\(error)"])
        }
    }

    private func hash(_ password: Password) async throws(InvokError) -> String {
        do throws(PasswordHashError) { return try await world.passwords.hash(password) } catch {
            throw InvokError(error)
        }
    }

    private func verify(_ password: Password, _ user: User) async throws(InvokError) -> Bool {
        do throws(PasswordHashError) {
            return try await world.passwords.verify(password, against: user.passwordHash)
        } catch {
            throw InvokError(error)
        }
    }

    /// Who a token speaks for, with all that is known of the user: for the API.
    /// - Parameter token: without `Bearer`.
    /// - Throws: `unauthenticated` for no token or one that is malformed, forged, expired or of a user who is gone or
    ///   disabled.
    public func authenticate(token: String?) async throws(InvokError) -> Principal {
        let id = try await caller(token: token)
        guard let user = try await user(id), !user.isDisabled else { throw .unauthenticated }
        return Principal(user: user)
    }

    /// Who a token speaks for, from memory: for the warm path, which waits for no store.
    /// - Throws: `unauthenticated` for no token or one that is malformed, forged, expired or of a user who is disabled.
    func caller(token: String?) async throws(InvokError) -> UserID {
        guard let token else { throw .unauthenticated }
        let claims: TokenClaims
        do throws(TokenError) { claims = try await self.claims(of: token) } catch { throw .unauthenticated }
        guard !revocations.contains(claims.user) else { throw .unauthenticated }
        return claims.user
    }

    /// What is remembered of a token.
    func knowledge(of token: String) -> VerifiedTokens.Knowledge { tokens.knowledge(of: token) }

    /// Whether a user's tokens count no more.
    func isRevoked(_ user: UserID) -> Bool { revocations.contains(user) }

    /// What a token says, whoever it speaks for.
    func claims(of token: String) async throws(TokenError) -> TokenClaims { try await tokens.claims(of: token) }

    private func user(_ id: UserID) async throws(InvokError) -> User? {
        let now = world.clock.now()
        let known = users.withLock { $0.value(for: id) }
        if let known, known.readAt.advanced(by: Self.userFreshness) > now { return known.user }
        do throws(StoreError) {
            let user = try await world.store.user(id)
            users.withLock { users in
                if let user { users.set((user, now), for: id) } else { users.remove(id) }
            }
            return user
        } catch {
            if let known { return known.user }
            throw InvokError(error)
        }
    }

    private func session(for user: User) async throws(InvokError) -> Session {
        let now = world.clock.wallTime()
        let claims = TokenClaims(user: user.id, issuedAt: now, expiresAt: now.advanced(by: settings.tokenLifetime))
        do throws(TokenError) {
            return Session(token: try await world.tokens.sign(claims), user: user)
        } catch {
            throw InvokError(.internal, "the token could not be made", inner: "\(error)")
        }
    }

    private static let emailTaken = InvokError(
        .emailTaken, "there is an account with this email already", nextStep: "log in, or use another email")
}
