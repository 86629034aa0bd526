/// An entry of `secrets` in a `config.json`: a secret that the function runs with, `"NAME"` or
/// `{"name": "NAME", "as": "file"}`.
public struct SecretReference: Hashable, Sendable {
    /// How the function gets it.
    public enum Form: String, Hashable, Sendable, CaseIterable, Codable {
        /// As the environment variable of its name.
        case environment = "env"
        /// As the file of its name in `folder`.
        case file
    }

    /// In memory, of each instance's own.
    public static let folder = "/run/secrets"
    public static let maximumCount = 64

    public let name: SecretName
    public let form: Form

    public init(_ name: SecretName, as form: Form = .environment) {
        self.name = name
        self.form = form
    }

    /// - Throws: `InvokError` with the code `invalid_config` where they contradict each other or the environment.
    package static func check(_ references: [SecretReference], beside environment: Environment) throws(InvokError) {
        guard references.count <= maximumCount else {
            throw .invalidConfig("secrets has \(references.count) names; at most \(maximumCount) are allowed")
        }
        var seen: Set<SecretName> = []
        for reference in references {
            guard seen.insert(reference.name).inserted else {
                throw .invalidConfig("secrets has '\(reference.name)' twice")
            }
            guard reference.form == .file || environment.variables[reference.name.description] == nil else {
                throw .invalidConfig("'\(reference.name)' is in env and in secrets; keep one of them")
            }
        }
    }
}

extension SecretReference: Codable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case name
        case form = "as"
    }

    public init(from decoder: any Decoder) throws {
        if let name = try? decoder.singleValueContainer().decode(String.self) {
            self.init(try Self.name(name))
            return
        }
        guard let container = try? decoder.container(keyedBy: CodingKeys.self),
            let name = try? container.decode(String.self, forKey: .name)
        else {
            throw InvokError.invalidConfig(
                #"secrets must have names, as "TOKEN", or objects, as {"name": "TOKEN", "as": "file"}"#)
        }
        try refuseUnknownKeys(
            in: decoder.container(keyedBy: ConfigKey.self), known: CodingKeys.self, prefix: "secrets.")
        let text = try container.decodeIfPresent(String.self, forKey: .form) ?? Form.environment.rawValue
        guard let form = Form(rawValue: text) else {
            throw InvokError.invalidConfig(
                "'as' of the secret '\(name.prefix(80))' is '\(text.prefix(80))', but must be 'env' or 'file'")
        }
        self.init(try Self.name(name), as: form)
    }

    private static func name(_ text: String) throws(InvokError) -> SecretName {
        do throws(InvokError) {
            return try SecretName(text)
        } catch {
            throw InvokError(.invalidConfig, "secrets: \(error.message)", nextStep: error.nextStep)
        }
    }

    public func encode(to encoder: any Encoder) throws {
        guard form != .environment else {
            var container = encoder.singleValueContainer()
            return try container.encode(name.description)
        }
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name.description, forKey: .name)
        try container.encode(form, forKey: .form)
    }
}
