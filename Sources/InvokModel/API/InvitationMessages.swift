/// The body of `POST /api/v1/invitations`.
public struct InvitationRequest: Hashable, Sendable, Codable {
    /// What the person becomes; a developer unless told.
    public var role: Role?
    /// How long the invitation is good; a week unless told.
    public var expiresSeconds: Int?

    public init(role: Role? = nil, expiresSeconds: Int? = nil) {
        self.role = role
        self.expiresSeconds = expiresSeconds
    }

    private enum CodingKeys: String, CodingKey {
        case role
        case expiresSeconds = "expires_seconds"
    }
}

/// An invitation.
public struct InvitationMessage: Hashable, Sendable, Codable {
    public var id: UUIDValue
    /// Told once, when it is made.
    public var code: String?
    public var role: Role
    /// RFC 3339
    public var createdAt: String
    /// RFC 3339
    public var expiresAt: String

    public init(id: UUIDValue, code: String? = nil, role: Role, createdAt: String, expiresAt: String) {
        self.id = id
        self.code = code
        self.role = role
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }

    private enum CodingKeys: String, CodingKey {
        case id, code, role
        case createdAt = "created_at"
        case expiresAt = "expires_at"
    }
}
