import GRDB
import Invok

extension SQLiteMetadataStore {
    public func createUser(_ user: User) async throws(StoreError) -> User {
        try await write { try $0.add(user) }
    }

    public func user(_ id: UserID) async throws(StoreError) -> User? {
        try await read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM user WHERE id = ?", arguments: [id.description])
                .map { try User($0) }
        }
    }

    public func user(withEmail email: Email) async throws(StoreError) -> User? {
        try await read { database in
            try Row.fetchOne(database, sql: "SELECT * FROM user WHERE email = ?", arguments: [email.description])
                .map { try User($0) }
        }
    }

    public func updateUser(_ user: User) async throws(StoreError) {
        try await write { database in
            try database.execute(
                sql: "UPDATE user SET password_hash = ?, role = ?, is_disabled = ? WHERE id = ?",
                arguments: [user.passwordHash, user.role.rawValue, user.isDisabled, user.id.description])
            guard database.changesCount == 1 else { throw StoreError.notFound }
        }
    }

    public func disabledUsers() async throws(StoreError) -> Set<UserID> {
        try await read { database in
            Set(try String.fetchAll(database, sql: "SELECT id FROM user WHERE is_disabled").compactMap { UserID($0) })
        }
    }

    // MARK: Grants

    public func putGrant(_ grant: Grant) async throws(StoreError) {
        try await write { database in
            guard try database.hasUser(grant.user) else { throw StoreError.notFound }
            try database.execute(
                sql: """
                    INSERT INTO namespace_grant (namespace, user, role) VALUES (?, ?, ?)
                    ON CONFLICT (namespace, user) DO UPDATE SET role = excluded.role
                    """,
                arguments: [grant.namespace.description, grant.user.description, grant.role.rawValue])
        }
    }

    public func removeGrant(namespace: Namespace, user: UserID) async throws(StoreError) {
        try await write { database in
            try database.execute(
                sql: "DELETE FROM namespace_grant WHERE namespace = ? AND user = ?",
                arguments: [namespace.description, user.description])
        }
    }

    public func grant(namespace: Namespace, user: UserID) async throws(StoreError) -> Grant? {
        try await read { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM namespace_grant WHERE namespace = ? AND user = ?",
                arguments: [namespace.description, user.description]
            ).map { try Grant($0) }
        }
    }

    public func grants(namespace: Namespace) async throws(StoreError) -> [Grant] {
        try await read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM namespace_grant WHERE namespace = ? ORDER BY user",
                arguments: [namespace.description]
            ).map { try Grant($0) }
        }
    }
}

extension Database {
    func hasUser(_ id: UserID) throws -> Bool {
        try Row.fetchOne(self, sql: "SELECT id FROM user WHERE id = ?", arguments: [id.description]) != nil
    }

    func hasUsers() throws -> Bool { try Row.fetchOne(self, sql: "SELECT id FROM user LIMIT 1") != nil }

    /// Adds a user; the very first becomes the admin.
    func add(_ user: User) throws -> User {
        let taken = try Row.fetchOne(
            self, sql: "SELECT id FROM user WHERE id = ? OR email = ?",
            arguments: [user.id.description, user.email.description])
        guard taken == nil else { throw StoreError.conflict("the email or the identifier is taken") }
        var stored = user
        if try !hasUsers() { stored.role = .admin }
        try execute(
            sql: """
                INSERT INTO user (id, email, password_hash, role, is_disabled, created_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                stored.id.description, stored.email.description, stored.passwordHash, stored.role.rawValue,
                stored.isDisabled, stored.createdAt.millisecondsSinceEpoch,
            ])
        return stored
    }
}
