/// The body of `POST /auth/register` and `POST /auth/login`.
public struct CredentialsRequest: Hashable, Sendable, Codable {
    public var email: String
    public var password: String
    /// To register where not everybody may: an invitation's code, or the setup code.
    public var code: String?
    /// Whether the client renews its tokens: then it gets a short one, and one to renew it. Without, one that is good for long.
    public var refresh: Bool?
    /// A refresh token of an earlier log-in on this device, whose attempts others cannot use up.
    public var device: String?

    public init(
        email: String, password: String, code: String? = nil, refresh: Bool? = nil, device: String? = nil
    ) {
        self.email = email
        self.password = password
        self.code = code
        self.refresh = refresh
        self.device = device
    }
}

extension CredentialsRequest: CustomStringConvertible, CustomReflectable {
    /// Never the password: what is interpolated or dumped ends in logs.
    public var description: String { "CredentialsRequest(email: \(email))" }
    public var customMirror: Mirror { Mirror(self, children: ["email": email]) }
}

/// Who a token speaks for.
public struct UserMessage: Hashable, Sendable, Codable {
    /// Also the user's namespace.
    public var uuid: UUIDValue
    public var email: String
    public var role: Role?

    public init(uuid: UUIDValue, email: String, role: Role? = nil) {
        self.uuid = uuid
        self.email = email
        self.role = role
    }
}

/// The answer to `register` and `login`.
public struct AuthResponse: Hashable, Sendable, Codable {
    public var token: String
    public var user: UserMessage
    /// What gives the next token, once, for a client that asked for it.
    public var refreshToken: String?
    /// How long the token is good then.
    public var expiresSeconds: Int?

    public init(token: String, user: UserMessage, refreshToken: String? = nil, expiresSeconds: Int? = nil) {
        self.token = token
        self.user = user
        self.refreshToken = refreshToken
        self.expiresSeconds = expiresSeconds
    }

    private enum CodingKeys: String, CodingKey {
        case token, user
        case refreshToken = "refresh_token"
        case expiresSeconds = "expires_in"
    }
}
