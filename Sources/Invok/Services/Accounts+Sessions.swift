/// Sessions: what a log-in gives, how it goes on, and how it ends.
extension Accounts {
    /// The longest name of a client that is kept.
    private static let clientLength = 80

    /// Begins a session.
    func session(for user: User, _ client: LoginClient) async throws(InvokError) -> Session {
        let now = world.clock.wallTime()
        let asked = LoginSession(
            id: UUIDValue(randomness: world.randomness), user: user.id,
            client: String(PlainText.escaped(client.name).prefix(Self.clientLength)), address: client.address,
            createdAt: now, usedAt: now, expiresAt: now.advanced(by: settings.tokenLifetime), renewedAt: now)
        let session = try await storing { () throws(StoreError) in
            try await world.accounts.addSession(
                asked, limit: settings.sessionsPerUser, until: now.advanced(by: settings.tokenLifetime))
        }
        return try await tokens(of: session, user, renews: client.renews, now: now)
    }

    /// Gives the next tokens of a session.
    /// - Throws: `unauthenticated` where the token is none, or was used before: then the session ends, since somebody has
    ///   copied it. The one before the last gives the same again for `LoginSession.grace`.
    public func refresh(_ token: String) async throws(InvokError) -> Session {
        let now = world.clock.wallTime()
        guard let claims = try? await world.tokens.verify(token, now: now), let id = claims.session,
            case .refresh(let generation) = claims.purpose, !revocations.contains(claims)
        else { throw .loginEnded }
        let found = try await storing { () throws(StoreError) in
            try await world.accounts.renewSession(
                id, generation: generation, lifetime: settings.tokenLifetime, now: now)
        }
        guard let found else { throw .loginEnded }
        guard found.renewal != .refused else {
            revocations.add(.session(id, until: found.session.expiresAt))
            throw .loginEnded
        }
        let user = try await storing { () throws(StoreError) in try await world.store.user(claims.user) }
        guard let user, !user.isDisabled else { throw .loginEnded }
        return try await tokens(of: found.session, user, renews: true, now: now)
    }

    /// Ends the session of the caller's token. A token that is of no session ends all log-ins up to its own.
    public func logout(_ principal: Principal) async throws(InvokError) {
        guard let claims = principal.claims else { return }
        if let session = claims.session {
            _ = try await end(session, of: principal)
        } else {
            try await endAll(of: principal.user.id, passwordHash: nil, now: claims.loggedInAt)
        }
    }

    /// Ends all log-ins of the caller, this one too.
    public func logoutEverywhere(_ principal: Principal) async throws(InvokError) {
        try await endAll(of: principal.user.id, passwordHash: nil, now: world.clock.wallTime())
    }

    /// The caller's sessions, those that were used last first.
    public func sessions(of principal: Principal) async throws(InvokError) -> [LoginSession] {
        let now = world.clock.wallTime()
        return try await storing { () throws(StoreError) in
            try await world.accounts.sessions(of: principal.user.id, now: now)
        }
    }

    /// Ends one of the caller's sessions.
    /// - Throws: `not_found`
    public func endSession(_ id: UUIDValue, as principal: Principal) async throws(InvokError) {
        guard try await end(id, of: principal) else {
            throw InvokError(
                .notFound, "there is no such session, or it has ended", nextStep: "see 'invok sessions'")
        }
    }

    /// Sets another password, ends all log-ins, and begins a session in the place of the caller's.
    /// - Throws: `wrong_credentials` where the old one is not right; `invalid_password`, `too_many_requests`,
    ///   `unavailable`.
    public func changePassword(
        from old: String, to new: String, client: LoginClient, as principal: Principal
    ) async throws(InvokError) -> Session {
        let new = try Password(new: new, of: principal.user.email)
        let counter = "password:\(principal.user.id)"
        try await rates.count(counter, limit: settings.attemptsPerAccount)
        let stored = try await storing { () throws(StoreError) in try await world.store.user(principal.user.id) }
        guard let stored else { throw .unauthenticated }
        guard let old = try? Password(old), try await verify(old, stored) else {
            throw InvokError(
                .wrongCredentials, "the current password is wrong", nextStep: "type the one you log in with")
        }
        await rates.takeBack(counter)
        let hash = try await hash(new)
        try await endAll(of: stored.id, passwordHash: hash, now: world.clock.wallTime())
        return try await session(for: stored, client)
    }

    private func end(_ session: UUIDValue, of principal: Principal) async throws(InvokError) -> Bool {
        let now = world.clock.wallTime()
        let wasThere = try await storing { () throws(StoreError) in
            try await world.accounts.endSession(session, of: principal.user.id, now: now)
        }
        if wasThere { revocations.add(.session(session, until: now.advanced(by: settings.tokenLifetime))) }
        return wasThere
    }

    private func endAll(of user: UserID, passwordHash: String?, now: Timestamp) async throws(InvokError) {
        let until = world.clock.wallTime().advanced(by: settings.tokenLifetime)
        try await storing { () throws(StoreError) in
            try await world.accounts.endSessions(of: user, passwordHash: passwordHash, now: now, until: until)
        }
        revocations.add(.logins(of: user, before: now.next, until: until))
        forget(user)
    }

    private func tokens(
        of session: LoginSession, _ user: User, renews: Bool, now: Timestamp
    ) async throws(InvokError) -> Session {
        let lifetime = renews ? min(settings.accessLifetime, settings.tokenLifetime) : settings.tokenLifetime
        let access = TokenClaims(
            user: user.id, session: session.id, loggedInAt: session.createdAt, issuedAt: now,
            expiresAt: min(now.advanced(by: lifetime), session.expiresAt))
        // The same for the same number, whenever it is asked for.
        let refresh = TokenClaims(
            user: user.id, session: session.id, loggedInAt: session.createdAt,
            purpose: .refresh(generation: session.generation), issuedAt: session.renewedAt,
            expiresAt: session.expiresAt)
        do throws(TokenError) {
            return Session(
                token: try await world.tokens.sign(access), user: user,
                refreshToken: renews ? try await world.tokens.sign(refresh) : nil, lifetime: lifetime)
        } catch {
            throw InvokError(.internal, "the token could not be made", inner: "\(error)")
        }
    }
}

extension InvokError {
    fileprivate static let loginEnded = InvokError(
        .unauthenticated, "this log-in has ended", nextStep: "log in again")
}
