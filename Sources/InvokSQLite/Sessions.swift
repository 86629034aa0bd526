import GRDB
import Invok

extension SQLiteMetadataStore {
    public func addSession(
        _ session: LoginSession, limit: Int, until: Timestamp
    ) async throws(StoreError) -> LoginSession {
        try await write { database in
            guard try database.hasUser(session.user) else { throw StoreError.notFound }
            try database.execute(
                sql: "DELETE FROM login_session WHERE expires_at <= ?",
                arguments: [session.createdAt.millisecondsSinceEpoch])
            var session = session
            let last = try Int64.fetchOne(
                database, sql: "SELECT max(logins_before) FROM revocation WHERE user = ?",
                arguments: [session.user.description])
            if let last { session.createdAt = max(session.createdAt, Timestamp(millisecondsSinceEpoch: last)) }
            try database.execute(
                sql: """
                    INSERT INTO login_session
                        (id, user, client, address, created_at, used_at, expires_at, generation, renewed_at)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    session.id.description, session.user.description, session.client, session.address,
                    session.createdAt.millisecondsSinceEpoch, session.usedAt.millisecondsSinceEpoch,
                    session.expiresAt.millisecondsSinceEpoch, session.generation,
                    session.renewedAt.millisecondsSinceEpoch,
                ])
            let first = try Row.fetchOne(
                database,
                sql: "SELECT created_at FROM login_session WHERE user = ? ORDER BY created_at DESC LIMIT 1 OFFSET ?",
                arguments: [session.user.description, limit])
            if let first {
                try database.endLogins(of: session.user, before: first.timestamp("created_at").next, until)
            }
            return session
        }
    }

    public func sessions(of user: UserID, now: Timestamp) async throws(StoreError) -> [LoginSession] {
        try await read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT * FROM login_session WHERE user = ? AND expires_at > ? ORDER BY used_at DESC, id",
                arguments: [user.description, now.millisecondsSinceEpoch]
            ).map { try LoginSession($0) }
        }
    }

    public func renewSession(
        _ id: UUIDValue, generation: Int, lifetime: Duration, now: Timestamp
    ) async throws(StoreError) -> (session: LoginSession, renewal: LoginSession.Renewal)? {
        try await write { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM login_session WHERE id = ?", arguments: [id.description])
            guard var session = try row.map({ try LoginSession($0) }) else { return nil }
            let renewal = session.onRefresh(generation, lifetime: lifetime, now: now)
            switch renewal {
            case .renewed:
                try database.execute(
                    sql: """
                        UPDATE login_session SET used_at = ?, expires_at = ?, generation = ?, renewed_at = ? WHERE id = ?
                        """,
                    arguments: [
                        session.usedAt.millisecondsSinceEpoch, session.expiresAt.millisecondsSinceEpoch,
                        session.generation, session.renewedAt.millisecondsSinceEpoch, id.description,
                    ])
            case .repeated: break
            case .refused: try database.end(session, now)
            }
            return (session, renewal)
        }
    }

    public func endSession(_ id: UUIDValue, of user: UserID, now: Timestamp) async throws(StoreError) -> Bool {
        try await write { database in
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM login_session WHERE id = ? AND user = ?",
                arguments: [id.description, user.description])
            guard let row else { return false }
            try database.end(try LoginSession(row), now)
            return true
        }
    }

    public func endSessions(
        of user: UserID, passwordHash: String?, now: Timestamp, until: Timestamp
    ) async throws(StoreError) {
        try await write { database in
            guard try database.hasUser(user) else { throw StoreError.notFound }
            if let passwordHash {
                try database.execute(
                    sql: "UPDATE user SET password_hash = ? WHERE id = ?", arguments: [passwordHash, user.description])
            }
            try database.endLogins(of: user, before: now.next, until)
        }
    }

    public func revocations(after epoch: Int, now: Timestamp) async throws(StoreError) -> RevocationPage {
        try await read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT * FROM revocation WHERE epoch > ? ORDER BY epoch", arguments: [epoch])
            let revocations = try rows.map { try Revocation($0) }.filter { $0.until > now }
            return RevocationPage(epoch: rows.last.map { $0["epoch"] as Int } ?? epoch, revocations: revocations)
        }
    }
}

extension Database {
    fileprivate func end(_ session: LoginSession, _ now: Timestamp) throws {
        try execute(sql: "DELETE FROM login_session WHERE id = ?", arguments: [session.id.description])
        try revoke(of: session.user, session: session.id, before: nil, until: session.expiresAt, now)
        let row = try Row.fetchOne(
            self, sql: "SELECT count(*) AS count, max(until) AS until FROM revocation WHERE user = ?",
            arguments: [session.user.description])
        // One entry in the place of very many.
        guard let row, (row["count"] as Int) > Revocation.limitPerUser else { return }
        try endLogins(of: session.user, before: now.next, row.timestamp("until"))
    }

    /// Ends the user's log-ins before a time.
    fileprivate func endLogins(of user: UserID, before: Timestamp, _ until: Timestamp) throws {
        try execute(
            sql: "DELETE FROM login_session WHERE user = ? AND created_at < ?",
            arguments: [user.description, before.millisecondsSinceEpoch])
        // What it stands for too.
        try execute(
            sql: "DELETE FROM revocation WHERE user = ? AND created_at < ?",
            arguments: [user.description, before.millisecondsSinceEpoch])
        try revoke(of: user, session: nil, before: before, until: until, before)
    }

    private func revoke(
        of user: UserID, session: UUIDValue?, before: Timestamp?, until: Timestamp, _ now: Timestamp
    ) throws {
        try execute(sql: "DELETE FROM revocation WHERE until <= ?", arguments: [now.millisecondsSinceEpoch])
        try execute(
            sql: """
                INSERT INTO revocation (user, session, logins_before, until, created_at) VALUES (?, ?, ?, ?, ?)
                """,
            arguments: [
                user.description, session?.description, before?.millisecondsSinceEpoch, until.millisecondsSinceEpoch,
                now.millisecondsSinceEpoch,
            ])
    }
}

extension LoginSession {
    init(_ row: Row) throws {
        self.init(
            id: try row.identifier("id"), user: try row.identifier("user"), client: row["client"],
            address: row["address"], createdAt: row.timestamp("created_at"), usedAt: row.timestamp("used_at"),
            expiresAt: row.timestamp("expires_at"), generation: row["generation"],
            renewedAt: row.timestamp("renewed_at"))
    }
}

extension Revocation {
    init(_ row: Row) throws {
        let until = row.timestamp("until")
        if (row["session"] as String?) != nil {
            self = .session(try row.identifier("session"), until: until)
        } else {
            self = .logins(of: try row.identifier("user"), before: row.timestamp("logins_before"), until: until)
        }
    }
}
