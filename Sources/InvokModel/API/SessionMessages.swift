/// The body of `POST /auth/refresh`.
public struct RefreshRequest: Hashable, Sendable, Codable {
    public var refreshToken: String

    public init(refreshToken: String) { self.refreshToken = refreshToken }

    private enum CodingKeys: String, CodingKey {
        case refreshToken = "refresh_token"
    }
}

/// The body of `POST /auth/password`.
public struct PasswordRequest: Hashable, Sendable, Codable {
    /// The current one.
    public var password: String
    public var newPassword: String
    /// As in `CredentialsRequest`.
    public var refresh: Bool?

    public init(password: String, newPassword: String, refresh: Bool? = nil) {
        self.password = password
        self.newPassword = newPassword
        self.refresh = refresh
    }

    private enum CodingKeys: String, CodingKey {
        case password, refresh
        case newPassword = "new_password"
    }
}

extension PasswordRequest: CustomStringConvertible, CustomReflectable {
    /// Never the passwords: what is interpolated or dumped ends in logs.
    public var description: String { "PasswordRequest" }
    public var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// One of a user's log-ins.
public struct SessionMessage: Hashable, Sendable, Codable {
    public var id: UUIDValue
    /// What the client calls itself, and where it logged in.
    public var client: String
    public var address: String
    /// RFC 3339
    public var createdAt: String
    /// RFC 3339
    public var usedAt: String
    /// RFC 3339
    public var expiresAt: String
    /// Whether it is the one that asks.
    public var current: Bool

    public init(
        id: UUIDValue, client: String, address: String, createdAt: String, usedAt: String, expiresAt: String,
        current: Bool
    ) {
        self.id = id
        self.client = client
        self.address = address
        self.createdAt = createdAt
        self.usedAt = usedAt
        self.expiresAt = expiresAt
        self.current = current
    }

    private enum CodingKeys: String, CodingKey {
        case id, client, address, current
        case createdAt = "created_at"
        case usedAt = "used_at"
        case expiresAt = "expires_at"
    }
}
