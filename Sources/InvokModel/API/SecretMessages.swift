/// A secret as lists show it: never its value.
public struct SecretMessage: Hashable, Sendable, Codable {
    public var name: String
    /// The function that it belongs to; missing for one of all functions of the namespace.
    public var function: String?
    public var purpose: SecretKey.Purpose
    /// RFC 3339, UTC.
    public var changedAt: String
    /// The functions whose instances are being replaced, where that was asked for.
    public var restarted: [String]?

    enum CodingKeys: String, CodingKey {
        case name, function, purpose, restarted
        case changedAt = "changed_at"
    }

    public init(_ secret: StoredSecret, restarted: [FunctionName]? = nil) {
        name = secret.key.name.description
        function = secret.key.function?.description
        purpose = secret.key.purpose
        changedAt = secret.changedAt.description
        self.restarted = restarted?.map(\.description)
    }
}

/// The body of `PUT …/secrets/{secret}`.
public struct SecretUpdate: Sendable, Codable {
    public var value: String

    public init(value: String) { self.value = value }
}
