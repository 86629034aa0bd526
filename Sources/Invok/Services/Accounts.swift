import Logging
import Synchronization

/// Who is asking, as proved by a token.
public struct Principal: Hashable, Sendable {
    public let user: User

    /// What the token says; `nil` for who is no caller.
    public let claims: TokenClaims?

    public init(user: User, claims: TokenClaims? = nil) {
        self.user = user
        self.claims = claims
    }

    /// The user's own namespace.
    public var namespace: Namespace { user.id }
}

/// What a successful registration or log-in gives.
public struct Session: Hashable, Sendable {
    public let token: String
    public let user: User
    /// What gives the next token, for a client that renews its tokens.
    public var refreshToken: String?
    /// How long the token is good.
    public let lifetime: Duration
}

/// Who asks for a log-in.
public struct LoginClient: Sendable {
    /// The address, or the network, by which limits count.
    public let address: String
    /// What it calls itself.
    public var name = ""
    /// Whether it renews its tokens. One that does not gets a token that is good for long.
    public var renews = false
    /// A refresh token of an earlier log-in, by which it is known: strangers at its address do not use up its attempts.
    public var earlier: String?

    public init(address: String, name: String = "", renews: Bool = false, earlier: String? = nil) {
        self.address = address
        self.name = name
        self.renews = renews
        self.earlier = earlier
    }
}

/// Registration, log-in and tokens.
public final class Accounts: Sendable {
    /// How long the API believes in a user that was read.
    static let userFreshness = Duration.seconds(5)
    static let userCacheLimit = 10_000

    let world: World
    let settings: SystemSettings
    let rates: RateLimits
    private let logger: Logger
    private let tokens: VerifiedTokens
    let revocations: Revocations
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
    ///   - client: who asks.
    /// - Throws: `invalid_email`, `invalid_password`, `registration_closed`, `email_taken`, `too_many_requests`,
    ///   `unavailable`.
    public func register(
        email: String, password: String, code: String? = nil, client: LoginClient
    ) async throws(InvokError) -> Session {
        let email = try Email(email)
        let password = try Password(new: password, of: email)
        try await rates.count("register:address:\(client.address)", limit: settings.attemptsPerAddress)
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
        return try await session(for: created, client)
    }

    /// - Parameter client: who asks.
    /// - Throws: `wrong_credentials`, whether the account exists or not; `account_disabled`, `too_many_requests`,
    ///   `unavailable`.
    public func login(email: String, password: String, client: LoginClient) async throws(InvokError) -> Session {
        guard let email = try? Email(email), let password = try? Password(password) else {
            try await rates.count("login:address:\(client.address)", limit: settings.attemptsPerAddress)
            throw .wrongCredentials
        }
        // Attempts are counted before they are made, or many at once would all be the last one, and those that succeed
        // taken back.
        let counters = await counters(of: client, at: email)
        for (key, limit) in counters { try await rates.count(key, limit: limit) }
        guard let user = try await storing({ () throws(StoreError) in try await world.store.user(withEmail: email) })
        else {
            // The same work as for a known account, so that time does not tell them apart.
            _ = try await hash(password)
            throw .wrongCredentials
        }
        guard try await verify(password, user) else { throw .wrongCredentials }
        for (key, _) in counters { await rates.takeBack(key) }
        guard !user.isDisabled else {
            throw InvokError(.accountDisabled, "the account is disabled", nextStep: "ask the operator")
        }
        if world.passwords.needsRehash(user.passwordHash) { await rehash(password, of: user) }
        return try await session(for: user, client)
    }

    /// What limits a client's log-ins at an account. A device that has succeeded there has attempts of its own.
    private func counters(of client: LoginClient, at email: Email) async -> [(key: String, limit: Int)] {
        if let device = await device(client, of: email) {
            return [("login:device:\(device)", settings.attemptsPerAccount)]
        }
        return [
            ("login:address:\(client.address)", settings.attemptsPerAddress),
            ("login:account:\(email):\(client.address)", settings.attemptsPerAccount),
        ]
    }

    /// The session of which the client has a token, where it was the account's.
    private func device(_ client: LoginClient, of email: Email) async -> UUIDValue? {
        guard let token = client.earlier,
            let claims = try? await world.tokens.verify(token, now: world.clock.wallTime()),
            case .refresh = claims.purpose, let user = try? await world.store.user(claims.user), user.email == email
        else { return nil }
        return claims.session
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

    func hash(_ password: Password) async throws(InvokError) -> String {
        do throws(PasswordHashError) { return try await world.passwords.hash(password) } catch {
            throw InvokError(error)
        }
    }

    func verify(_ password: Password, _ user: User) async throws(InvokError) -> Bool {
        do throws(PasswordHashError) {
            return try await world.passwords.verify(password, against: user.passwordHash)
        } catch {
            throw InvokError(error)
        }
    }

    // MARK: Who calls

    /// Who a token speaks for, with all that is known of the user: for the API.
    /// - Parameter token: without `Bearer`.
    /// - Throws: `unauthenticated` for no token or one that is malformed, forged, expired, taken back or of a user who is
    ///   gone or disabled; `unavailable` where the store was not read lately and does not answer.
    public func authenticate(token: String?) async throws(InvokError) -> Principal {
        let claims = try await callerClaims(token: token)
        guard let user = try await user(claims.user), !user.isDisabled else { throw .unauthenticated }
        return Principal(user: user, claims: claims)
    }

    /// Whether who was let in is still to be: for what goes on long after its token was looked at, and has expired perhaps.
    public func stillMay(_ principal: Principal) async throws(InvokError) -> Principal {
        if let claims = principal.claims, revocations.contains(claims) { throw .unauthenticated }
        guard let user = try await user(principal.user.id), !user.isDisabled else { throw .unauthenticated }
        return Principal(user: user, claims: principal.claims)
    }

    /// Who a token speaks for, from memory: for the warm path, which waits for no store.
    /// - Throws: `unauthenticated` for no token or one that is malformed, forged, expired, taken back or of a user who is
    ///   disabled; `unavailable` where the store is away for so long that no token is believed.
    func caller(token: String?) async throws(InvokError) -> UserID { try await callerClaims(token: token).user }

    private func callerClaims(token: String?) async throws(InvokError) -> TokenClaims {
        guard let token else { throw .unauthenticated }
        let claims: TokenClaims
        do throws(TokenError) { claims = try await self.claims(of: token) } catch { throw .unauthenticated }
        switch revocations.standing(of: claims) {
        case .good: return claims
        case .revoked: throw .unauthenticated
        case .unknown: throw .unavailable("the revocation list is too old")
        }
    }

    /// What is remembered of a token.
    func knowledge(of token: String) -> VerifiedTokens.Knowledge { tokens.knowledge(of: token) }

    /// What is remembered of the token that has this digest.
    func knowledge(of digest: Digest) -> VerifiedTokens.Knowledge { tokens.knowledge(of: digest) }

    /// Whether it is known that a token counts.
    func isGood(_ claims: TokenClaims) -> Bool { revocations.standing(of: claims) == .good }

    /// What a token says, whoever it speaks for.
    func claims(of token: String) async throws(TokenError) -> TokenClaims { try await tokens.claims(of: token) }

    /// Has the user read again when it is asked for.
    func forget(_ user: UserID) { users.withLock { $0.remove(user) } }

    private func user(_ id: UserID) async throws(InvokError) -> User? {
        let now = world.clock.now()
        let known = users.withLock { $0.value(for: id) }
        if let known, known.readAt.advanced(by: Self.userFreshness) > now { return known.user }
        let user = try await storing { () throws(StoreError) in try await world.store.user(id) }
        users.withLock { users in
            if let user { users.set((user, now), for: id) } else { users.remove(id) }
        }
        return user
    }

    private static let emailTaken = InvokError(
        .emailTaken, "there is an account with this email already", nextStep: "log in, or use another email")
}
