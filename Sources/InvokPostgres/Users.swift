public import Invok

extension PostgresMetadataStore {
    public func createUser(_ user: User) async throws(StoreError) -> User {
        try await write { connection in
            try connection.lockUsers()
            return try connection.add(user)
        }
    }

    public func user(_ id: UserID) async throws(StoreError) -> User? {
        try await read { connection in
            try connection.execute(
                """
                SELECT id, email, password_hash, role, is_disabled, created_at FROM invok_user WHERE id = $1
                """, [.text(of: id)]
            ).first.map { try User($0) }
        }
    }

    public func user(withEmail email: Email) async throws(StoreError) -> User? {
        try await read { connection in
            try connection.execute(
                """
                SELECT id, email, password_hash, role, is_disabled, created_at FROM invok_user WHERE email = $1
                """, [.text(of: email)]
            ).first.map { try User($0) }
        }
    }

    public func updateUser(_ user: User) async throws(StoreError) {
        try await write { connection in
            let updated = try connection.execute(
                "UPDATE invok_user SET password_hash = $2, role = $3, is_disabled = $4 WHERE id = $1",
                [.text(of: user.id), .text(user.passwordHash), .text(user.role.rawValue), .boolean(user.isDisabled)]
            ).affected
            guard updated == 1 else { throw StoreError.notFound }
        }
    }

    public func disabledUsers() async throws(StoreError) -> Set<UserID> {
        try await read { connection in
            Set(try connection.execute("SELECT id FROM invok_user WHERE is_disabled").map { try $0.identifier("id") })
        }
    }

    // MARK: Grants

    public func putGrant(_ grant: Grant) async throws(StoreError) {
        try await write { connection in
            do {
                try connection.execute(
                    """
                    INSERT INTO namespace_grant (namespace, user_id, role) VALUES ($1, $2, $3)
                    ON CONFLICT (namespace, user_id) DO UPDATE SET role = excluded.role
                    """,
                    [.text(of: grant.namespace), .text(of: grant.user), .text(grant.role.rawValue)])
            } catch PostgresError.refused(.foreignKeyViolation, _) {
                throw StoreError.notFound
            }
        }
    }

    public func removeGrant(namespace: Namespace, user: UserID) async throws(StoreError) {
        _ = try await write { connection in
            try connection.execute(
                "DELETE FROM namespace_grant WHERE namespace = $1 AND user_id = $2",
                [.text(of: namespace), .text(of: user)]
            ).affected
        }
    }

    public func grant(namespace: Namespace, user: UserID) async throws(StoreError) -> Grant? {
        try await read { connection in
            try connection.execute(
                "SELECT namespace, user_id, role FROM namespace_grant WHERE namespace = $1 AND user_id = $2",
                [.text(of: namespace), .text(of: user)]
            ).first.map { try Grant($0) }
        }
    }

    public func grants(namespace: Namespace) async throws(StoreError) -> [Grant] {
        try await read { connection in
            try connection.execute(
                "SELECT namespace, user_id, role FROM namespace_grant WHERE namespace = $1 ORDER BY user_id",
                [.text(of: namespace)]
            ).map { try Grant($0) }
        }
    }
}

extension PostgresConnection {
    func hasUsers() throws -> Bool { try execute("SELECT 1 FROM invok_user LIMIT 1").count > 0 }

    /// Nobody else adds a user until the transaction's end: of two first users at once, one only becomes the admin.
    func lockUsers() throws { try run("LOCK TABLE invok_user IN SHARE ROW EXCLUSIVE MODE") }

    /// Adds a user; the very first becomes the admin. The users are locked.
    func add(_ user: User) throws -> User {
        let taken = try execute(
            "SELECT 1 FROM invok_user WHERE id = $1 OR email = $2", [.text(of: user.id), .text(of: user.email)])
        guard taken.count == 0 else { throw StoreError.conflict("the email or the identifier is taken") }
        var stored = user
        if try !hasUsers() { stored.role = .admin }
        try execute(
            """
            INSERT INTO invok_user (id, email, password_hash, role, is_disabled, created_at)
            VALUES ($1, $2, $3, $4, $5, $6)
            """,
            [
                .text(of: stored.id), .text(of: stored.email), .text(stored.passwordHash),
                .text(stored.role.rawValue), .boolean(stored.isDisabled),
                .integer(stored.createdAt.millisecondsSinceEpoch),
            ])
        return stored
    }
}
