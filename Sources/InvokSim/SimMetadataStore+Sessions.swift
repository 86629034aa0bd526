public import Invok

extension SimMetadataStore {
    public func addSession(
        _ session: LoginSession, limit: Int, until: Timestamp
    ) async throws(StoreError) -> LoginSession {
        try await transaction("addSession", "\(session.id)") { (tables) throws(StoreError) in
            guard tables.users[session.user] != nil else { throw .notFound }
            var session = session
            tables.sessions = tables.sessions.filter { $0.value.expiresAt > session.createdAt }
            for case .logins(session.user, let before, _) in tables.revocations.map(\.revocation) {
                session.createdAt = max(session.createdAt, before)
            }
            tables.sessions[session.id] = session
            let own = tables.sessions.values.filter { $0.user == session.user }.map(\.createdAt).sorted(by: >)
            if own.count > limit { tables.endLogins(of: session.user, before: own[limit].next, until) }
            return session
        }
    }

    public func sessions(of user: UserID, now: Timestamp) async throws(StoreError) -> [LoginSession] {
        try await read("sessions", "\(user)") { tables in
            tables.sessions.values.filter { $0.user == user && $0.expiresAt > now }
                .sorted { ($1.usedAt, $0.id) < ($0.usedAt, $1.id) }
        }
    }

    public func renewSession(
        _ id: UUIDValue, generation: Int, lifetime: Duration, now: Timestamp
    ) async throws(StoreError) -> (session: LoginSession, renewal: LoginSession.Renewal)? {
        try await transaction("renewSession", "\(id)") { (tables) throws(StoreError) in
            guard var session = tables.sessions[id] else { return nil }
            let renewal = session.onRefresh(generation, lifetime: lifetime, now: now)
            switch renewal {
            case .renewed: tables.sessions[id] = session
            case .repeated: break
            case .refused: tables.end(session, now)
            }
            return (session, renewal)
        }
    }

    public func endSession(_ id: UUIDValue, of user: UserID, now: Timestamp) async throws(StoreError) -> Bool {
        try await transaction("endSession", "\(id)") { (tables) throws(StoreError) in
            guard let session = tables.sessions[id], session.user == user else { return false }
            tables.end(session, now)
            return true
        }
    }

    public func endSessions(
        of user: UserID, passwordHash: String?, now: Timestamp, until: Timestamp
    ) async throws(StoreError) {
        try await transaction("endSessions", "\(user)") { (tables) throws(StoreError) in
            guard tables.users[user] != nil else { throw .notFound }
            if let passwordHash { tables.users[user]?.passwordHash = passwordHash }
            tables.endLogins(of: user, before: now.next, until)
        }
    }

    public func revocations(after epoch: Int, now: Timestamp) async throws(StoreError) -> RevocationPage {
        try await read("revocations", "\(epoch)") { tables in
            let rows = tables.revocations.filter { $0.epoch > epoch }
            return RevocationPage(
                epoch: rows.last?.epoch ?? epoch, revocations: rows.map(\.revocation).filter { $0.until > now })
        }
    }
}

extension SimTables {
    /// What was taken back, as the store keeps it.
    struct RevocationRow: Sendable {
        let epoch: Int
        let user: UserID
        let revocation: Revocation
        let createdAt: Timestamp
    }

    fileprivate mutating func end(_ session: LoginSession, _ now: Timestamp) {
        sessions[session.id] = nil
        revoke(.session(session.id, until: session.expiresAt), of: session.user, now)
        let own = revocations.filter { $0.user == session.user }
        // One entry in the place of very many.
        guard own.count > Revocation.limitPerUser, let until = own.map(\.revocation.until).max() else { return }
        endLogins(of: session.user, before: now.next, until)
    }

    /// Ends the user's log-ins before a time.
    fileprivate mutating func endLogins(of user: UserID, before: Timestamp, _ until: Timestamp) {
        sessions = sessions.filter { $0.value.user != user || $0.value.createdAt >= before }
        // What it stands for too.
        revocations.removeAll { $0.user == user && $0.createdAt < before }
        revoke(.logins(of: user, before: before, until: until), of: user, before)
    }

    private mutating func revoke(_ revocation: Revocation, of user: UserID, _ now: Timestamp) {
        revocations.removeAll { $0.revocation.until <= now }
        lastEpoch += 1
        revocations.append(RevocationRow(epoch: lastEpoch, user: user, revocation: revocation, createdAt: now))
    }
}
