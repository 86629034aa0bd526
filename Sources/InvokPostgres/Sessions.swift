public import Invok

extension PostgresMetadataStore {
    public func addSession(
        _ session: LoginSession, limit: Int, until: Timestamp
    ) async throws(StoreError) -> LoginSession {
        try await write { connection in
            try connection.lockUser(session.user)
            try connection.execute(
                "DELETE FROM login_session WHERE expires_at <= $1",
                [.integer(session.createdAt.millisecondsSinceEpoch)])
            var session = session
            let last = try connection.execute(
                "SELECT max(logins_before) AS last FROM revocation WHERE user_id = $1", [.text(of: session.user)]
            ).first?.optionalInteger("last")
            if let last {
                session.createdAt = max(session.createdAt, Timestamp(millisecondsSinceEpoch: Int64(last)))
            }
            try connection.execute(
                """
                INSERT INTO login_session
                    (id, user_id, client, address, created_at, used_at, expires_at, generation, renewed_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                """,
                [
                    .text(of: session.id), .text(of: session.user), .text(session.client.printable),
                    .text(session.address), .integer(session.createdAt.millisecondsSinceEpoch),
                    .integer(session.usedAt.millisecondsSinceEpoch), .integer(session.expiresAt.millisecondsSinceEpoch),
                    .integer(session.generation), .integer(session.renewedAt.millisecondsSinceEpoch),
                ])
            let first = try connection.execute(
                """
                SELECT created_at FROM login_session WHERE user_id = $1 ORDER BY created_at DESC LIMIT 1 OFFSET $2
                """, [.text(of: session.user), .integer(limit)]
            ).first.map { try $0.timestamp("created_at") }
            if let first { try connection.endLogins(of: session.user, before: first.next, until) }
            return session
        }
    }

    public func sessions(of user: UserID, now: Timestamp) async throws(StoreError) -> [LoginSession] {
        try await read { connection in
            try connection.execute(
                "SELECT * FROM login_session WHERE user_id = $1 AND expires_at > $2 ORDER BY used_at DESC, id",
                [.text(of: user), .integer(now.millisecondsSinceEpoch)]
            ).map { try LoginSession($0) }
        }
    }

    public func renewSession(
        _ id: UUIDValue, generation: Int, lifetime: Duration, now: Timestamp
    ) async throws(StoreError) -> (session: LoginSession, renewal: LoginSession.Renewal)? {
        try await write { connection in
            guard var session = try connection.lockSession(id) else { return nil }
            let renewal = session.onRefresh(generation, lifetime: lifetime, now: now)
            switch renewal {
            case .renewed:
                try connection.execute(
                    """
                    UPDATE login_session SET used_at = $2, expires_at = $3, generation = $4, renewed_at = $5
                    WHERE id = $1
                    """,
                    [
                        .text(of: id), .integer(session.usedAt.millisecondsSinceEpoch),
                        .integer(session.expiresAt.millisecondsSinceEpoch), .integer(session.generation),
                        .integer(session.renewedAt.millisecondsSinceEpoch),
                    ])
            case .repeated: break
            case .refused: try connection.end(session, now)
            }
            return (session, renewal)
        }
    }

    public func endSession(_ id: UUIDValue, of user: UserID, now: Timestamp) async throws(StoreError) -> Bool {
        try await write { connection in
            guard let session = try connection.lockSession(id), session.user == user else { return false }
            try connection.end(session, now)
            return true
        }
    }

    public func endSessions(
        of user: UserID, passwordHash: String?, now: Timestamp, until: Timestamp
    ) async throws(StoreError) {
        try await write { connection in
            try connection.lockUser(user)
            if let passwordHash {
                try connection.execute(
                    "UPDATE invok_user SET password_hash = $2 WHERE id = $1", [.text(of: user), .text(passwordHash)])
            }
            try connection.endLogins(of: user, before: now.next, until)
        }
    }

    public func revocations(after epoch: Int, now: Timestamp) async throws(StoreError) -> RevocationPage {
        try await read { connection in
            let rows = try connection.execute(
                "SELECT * FROM revocation WHERE epoch > $1 ORDER BY epoch", [.integer(epoch)]
            ).map { (epoch: Int(try $0.integer("epoch")), revocation: try Revocation($0)) }
            return RevocationPage(
                epoch: rows.last?.epoch ?? epoch, revocations: rows.map(\.revocation).filter { $0.until > now })
        }
    }
}

extension PostgresConnection {
    /// Locks the session's user, as everything does that ends sessions, and then the session.
    fileprivate func lockSession(_ id: UUIDValue) throws -> LoginSession? {
        let user = try execute("SELECT user_id FROM login_session WHERE id = $1", [.text(of: id)]).first
        guard let user else { return nil }
        try lockUser(try user.identifier("user_id"))
        return try execute("SELECT * FROM login_session WHERE id = $1", [.text(of: id)]).first.map {
            try LoginSession($0)
        }
    }

    fileprivate func end(_ session: LoginSession, _ now: Timestamp) throws {
        try execute("DELETE FROM login_session WHERE id = $1", [.text(of: session.id)])
        try revoke(of: session.user, session: session.id, before: nil, until: session.expiresAt, now)
        let row = try execute(
            "SELECT count(*) AS count, max(until) AS until FROM revocation WHERE user_id = $1",
            [.text(of: session.user)]
        ).first
        // One entry in the place of very many.
        guard let row, try row.integer("count") > Revocation.limitPerUser else { return }
        try endLogins(of: session.user, before: now.next, try row.timestamp("until"))
    }

    /// Ends the user's log-ins before a time.
    fileprivate func endLogins(of user: UserID, before: Timestamp, _ until: Timestamp) throws {
        try execute(
            "DELETE FROM login_session WHERE user_id = $1 AND created_at < $2",
            [.text(of: user), .integer(before.millisecondsSinceEpoch)])
        // What it stands for too.
        try execute(
            "DELETE FROM revocation WHERE user_id = $1 AND created_at < $2",
            [.text(of: user), .integer(before.millisecondsSinceEpoch)])
        try revoke(of: user, session: nil, before: before, until: until, before)
    }

    private func revoke(
        of user: UserID, session: UUIDValue?, before: Timestamp?, until: Timestamp, _ now: Timestamp
    ) throws {
        // The row is locked until the end of the transaction: so they become visible in the order of their epochs, and
        // who has read one has read all before it.
        let epoch = try execute("UPDATE revocation_epoch SET epoch = epoch + 1 RETURNING epoch").first
        guard let epoch = try epoch?.integer("epoch") else { throw StoreError.unavailable("the store lost its schema") }
        try execute("DELETE FROM revocation WHERE until <= $1", [.integer(now.millisecondsSinceEpoch)])
        try execute(
            """
            INSERT INTO revocation (epoch, user_id, session, logins_before, until, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            """,
            [
                .integer(epoch), .text(of: user), .optional(session?.description),
                before.map { .integer($0.millisecondsSinceEpoch) } ?? .null, .integer(until.millisecondsSinceEpoch),
                .integer(now.millisecondsSinceEpoch),
            ])
    }
}

extension LoginSession {
    init(_ row: ResultRow) throws(PostgresError) {
        self.init(
            id: try row.identifier("id"), user: try row.identifier("user_id"), client: try row.text("client"),
            address: try row.text("address"), createdAt: try row.timestamp("created_at"),
            usedAt: try row.timestamp("used_at"), expiresAt: try row.timestamp("expires_at"),
            generation: Int(try row.integer("generation")), renewedAt: try row.timestamp("renewed_at"))
    }
}

extension Revocation {
    init(_ row: ResultRow) throws(PostgresError) {
        let until = try row.timestamp("until")
        if let before = try row.optionalInteger("logins_before") {
            self = .logins(
                of: try row.identifier("user_id"), before: Timestamp(millisecondsSinceEpoch: Int64(before)),
                until: until)
        } else {
            self = .session(try row.identifier("session"), until: until)
        }
    }
}
