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
    /// How long a user that was read is believed. With the store away it is believed on, so that warm functions keep
    /// answering.
    static let userFreshness = Duration.seconds(10)
    static let userCacheLimit = 10_000

    private let world: World
    private let settings: SystemSettings
    private let rates: RateLimits
    private let logger: Logger
    private let users = Mutex<[UserID: (user: User, readAt: Instant)]>([:])

    init(world: World, settings: SystemSettings, logger: Logger) {
        self.world = world
        self.settings = settings
        self.logger = logger
        rates = RateLimits(cache: world.cache, clock: world.clock, logger: logger)
    }

    /// Makes an account with a namespace of its own and logs it in.
    /// - Parameter client: the address that asks, for the rate limit.
    /// - Throws: `invalid_email`, `invalid_password`, `email_taken`, `too_many_requests`, `unavailable`.
    public func register(email: String, password: String, client: String) async throws(InvokError) -> Session {
        let email = try Email(email)
        let password = try Password(password)
        try await rates.count("register:address:\(client)", limit: settings.attemptsPerAddress)
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
            created = try await world.store.createUser(user)
        } catch .conflict {
            throw Self.emailTaken
        } catch {
            throw InvokError(error)
        }
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

    /// Who a token speaks for.
    /// - Parameter token: without `Bearer`.
    /// - Throws: `unauthenticated` for no token or one that is malformed, forged, expired or of a user who is gone or
    ///   disabled.
    public func authenticate(token: String?) async throws(InvokError) -> Principal {
        guard let token else { throw .unauthenticated }
        let claims: TokenClaims
        do throws(TokenError) {
            claims = try await world.tokens.verify(token, now: world.clock.wallTime())
        } catch {
            throw .unauthenticated
        }
        guard let user = try await user(claims.user), !user.isDisabled else { throw .unauthenticated }
        return Principal(user: user)
    }

    private func user(_ id: UserID) async throws(InvokError) -> User? {
        let now = world.clock.now()
        let known = users.withLock { $0[id] }
        if let known, known.readAt.advanced(by: Self.userFreshness) > now { return known.user }
        do throws(StoreError) {
            let user = try await world.store.user(id)
            users.withLock { users in
                if users.count >= Self.userCacheLimit { users.removeAll() }
                users[id] = user.map { ($0, now) }
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
