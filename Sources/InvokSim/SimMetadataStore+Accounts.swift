public import Invok

extension SimMetadataStore: AccountStore {
    public func hasUsers() async throws(StoreError) -> Bool {
        try await read("hasUsers") { tables in !tables.users.isEmpty }
    }

    public func users(after email: Email?, limit: Int) async throws(StoreError) -> [User] {
        try await read("users") { tables in
            let behind = tables.users.values.filter { $0.email.description > email?.description ?? "" }
            return Array(behind.sorted { $0.email.description < $1.email.description }.prefix(limit))
        }
    }

    public func createUser(_ user: User, by ticket: Ticket) async throws(StoreError) -> User {
        try await transaction("createUser", "\(user.id)") { (tables) throws(StoreError) in
            var user = user
            switch ticket {
            case .first:
                guard tables.users.isEmpty else { throw .notFound }
            case .invitation(let code, let now):
                let found = tables.invitations.values.first { $0.code == code && $0.expiresAt > now }
                guard let found else { throw .notFound }
                tables.invitations[found.id] = nil
                user.role = found.role
            }
            return try tables.add(user)
        }
    }

    public func addInvitation(_ invitation: Invitation, limit: Int) async throws(StoreError) {
        try await transaction("addInvitation", "\(invitation.id)") { (tables) throws(StoreError) in
            tables.invitations = tables.invitations.filter { $0.value.expiresAt > invitation.createdAt }
            guard tables.invitations.count < limit else { throw .conflict("there are \(limit) invitations") }
            tables.invitations[invitation.id] = invitation
        }
    }

    public func invitation(_ code: Digest) async throws(StoreError) -> Invitation? {
        try await read("invitation") { tables in tables.invitations.values.first { $0.code == code } }
    }

    public func invitations() async throws(StoreError) -> [Invitation] {
        try await read("invitations") { tables in
            tables.invitations.values.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }
        }
    }

    public func removeInvitation(_ id: UUIDValue) async throws(StoreError) -> Bool {
        try await transaction("removeInvitation", "\(id)") { (tables) throws(StoreError) in
            tables.invitations.removeValue(forKey: id) != nil
        }
    }
}
