public import Invok

extension PostgresMetadataStore: AccountStore {
    public func hasUsers() async throws(StoreError) -> Bool {
        try await read { try $0.hasUsers() }
    }

    public func users(after email: Email?, limit: Int) async throws(StoreError) -> [User] {
        try await read { connection in
            try connection.execute(
                """
                SELECT id, email, password_hash, role, is_disabled, created_at FROM invok_user
                WHERE email > $1 ORDER BY email LIMIT $2
                """, [.text(email?.description ?? ""), .integer(limit)]
            ).map { try User($0) }
        }
    }

    public func createUser(_ user: User, by ticket: Ticket) async throws(StoreError) -> User {
        try await write { connection in
            // Before anything is looked at: of two first users at once, one only is it.
            try connection.lockUsers()
            var user = user
            switch ticket {
            case .first:
                guard try !connection.hasUsers() else { throw StoreError.notFound }
            case .invitation(let code, let now):
                let used = try connection.execute(
                    "DELETE FROM invitation WHERE code = $1 AND expires_at > $2 RETURNING *",
                    [.text(of: code), .integer(now.millisecondsSinceEpoch)]
                ).first.map { try Invitation($0) }
                guard let used else { throw StoreError.notFound }
                user.role = used.role
            }
            return try connection.add(user)
        }
    }

    public func addInvitation(_ invitation: Invitation, limit: Int) async throws(StoreError) {
        try await write { connection in
            try connection.run("LOCK TABLE invitation IN SHARE ROW EXCLUSIVE MODE")
            try connection.execute(
                "DELETE FROM invitation WHERE expires_at <= $1",
                [.integer(invitation.createdAt.millisecondsSinceEpoch)])
            guard try connection.execute("SELECT 1 FROM invitation").count < limit else {
                throw StoreError.conflict("there are \(limit) invitations")
            }
            try connection.execute(
                """
                INSERT INTO invitation (id, code, role, created_by, created_at, expires_at)
                VALUES ($1, $2, $3, $4, $5, $6)
                """,
                [
                    .text(of: invitation.id), .text(of: invitation.code), .text(invitation.role.rawValue),
                    .text(of: invitation.createdBy), .integer(invitation.createdAt.millisecondsSinceEpoch),
                    .integer(invitation.expiresAt.millisecondsSinceEpoch),
                ])
        }
    }

    public func invitation(_ code: Digest) async throws(StoreError) -> Invitation? {
        try await read { connection in
            try connection.execute(
                "SELECT * FROM invitation WHERE code = $1", [.text(of: code)]
            ).first.map { try Invitation($0) }
        }
    }

    public func invitations() async throws(StoreError) -> [Invitation] {
        try await read { connection in
            try connection.execute("SELECT * FROM invitation ORDER BY created_at, id").map {
                try Invitation($0)
            }
        }
    }

    public func removeInvitation(_ id: UUIDValue) async throws(StoreError) -> Bool {
        try await write { connection in
            try connection.execute("DELETE FROM invitation WHERE id = $1", [.text(of: id)]).affected == 1
        }
    }
}

extension Invitation {
    init(_ row: ResultRow) throws(PostgresError) {
        self.init(
            id: try row.identifier("id"), code: try row.digest("code"), role: try row.value("role"),
            createdBy: try row.identifier("created_by"), createdAt: try row.timestamp("created_at"),
            expiresAt: try row.timestamp("expires_at"))
    }
}
