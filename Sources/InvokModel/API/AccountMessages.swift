/// The body of `POST /auth/register` and `POST /auth/login`.
public struct CredentialsRequest: Hashable, Sendable, Codable {
    public var email: String
    public var password: String
    /// To register where not everybody may: an invitation's code, or the setup code.
    public var code: String?

    public init(email: String, password: String, code: String? = nil) {
        self.email = email
        self.password = password
        self.code = code
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

    public init(token: String, user: UserMessage) {
        self.token = token
        self.user = user
    }
}
