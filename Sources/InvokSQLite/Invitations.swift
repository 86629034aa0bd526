import GRDB
import Invok

extension SQLiteMetadataStore: AccountStore {
    public func hasUsers() async throws(StoreError) -> Bool {
        try await read { try $0.hasUsers() }
    }

    public func users(after email: Email?, limit: Int) async throws(StoreError) -> [User] {
        try await read { database in
            try Row.fetchAll(
                database, sql: "SELECT * FROM user WHERE email > ? ORDER BY email LIMIT ?",
                arguments: [email?.description ?? "", limit]
            ).map { try User($0) }
        }
    }

    public func createUser(_ user: User, by ticket: Ticket) async throws(StoreError) -> User {
        try await write { database in
            var user = user
            switch ticket {
            case .first:
                guard try !database.hasUsers() else { throw StoreError.notFound }
            case .invitation(let code, let now):
                let row = try Row.fetchOne(
                    database, sql: "SELECT * FROM invitation WHERE code = ? AND expires_at > ?",
                    arguments: [code.description, now.millisecondsSinceEpoch])
                guard let row else { throw StoreError.notFound }
                user.role = try Invitation(row).role
                try database.execute(sql: "DELETE FROM invitation WHERE code = ?", arguments: [code.description])
            }
            return try database.add(user)
        }
    }

    public func addInvitation(_ invitation: Invitation, limit: Int) async throws(StoreError) {
        try await write { database in
            try database.execute(
                sql: "DELETE FROM invitation WHERE expires_at <= ?",
                arguments: [invitation.createdAt.millisecondsSinceEpoch])
            guard try Int.fetchOne(database, sql: "SELECT count(*) FROM invitation") ?? 0 < limit else {
                throw StoreError.conflict("there are \(limit) invitations")
            }
            try database.execute(
                sql: """
                    INSERT INTO invitation (id, code, role, created_by, created_at, expires_at)
                    VALUES (?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    invitation.id.description, invitation.code.description, invitation.role.rawValue,
                    invitation.createdBy.description, invitation.createdAt.millisecondsSinceEpoch,
                    invitation.expiresAt.millisecondsSinceEpoch,
                ])
        }
    }

    public func invitation(_ code: Digest) async throws(StoreError) -> Invitation? {
        try await read { database in
            try Row.fetchOne(
                database, sql: "SELECT * FROM invitation WHERE code = ?", arguments: [code.description]
            ).map { try Invitation($0) }
        }
    }

    public func invitations() async throws(StoreError) -> [Invitation] {
        try await read { database in
            try Row.fetchAll(database, sql: "SELECT * FROM invitation ORDER BY created_at, id").map {
                try Invitation($0)
            }
        }
    }

    public func removeInvitation(_ id: UUIDValue) async throws(StoreError) -> Bool {
        try await write { database in
            try database.execute(sql: "DELETE FROM invitation WHERE id = ?", arguments: [id.description])
            return database.changesCount == 1
        }
    }
}

extension Invitation {
    init(_ row: Row) throws {
        self.init(
            id: try row.identifier("id"), code: try row.digest("code"), role: try row.value("role"),
            createdBy: try row.identifier("created_by"), createdAt: row.timestamp("created_at"),
            expiresAt: row.timestamp("expires_at"))
    }
}
