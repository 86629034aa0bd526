/// A function as lists and single reads show it.
public struct FunctionMessage: Hashable, Sendable, Codable {
    /// The namespace: with the name, the path to invoke.
    public var uuid: UUIDValue
    public var name: String
    /// `null` until a version has been ready.
    public var runtime: Runtime?
    public var access: Access
    public var activeVersion: Int?
    public var limits: Limits?
    /// Names only: values may be secrets.
    public var env: [String]
    /// The names of the secrets that it runs with; missing where the server knows of none.
    public var secrets: [String]?
    /// What of the network the active version may reach; older servers do not say.
    public var egress: Egress?
    /// The path to invoke, `/invok/{uuid}/{name}`.
    public var path: String
    /// RFC 3339, UTC.
    public var createdAt: String
    public var updatedAt: String

    enum CodingKeys: String, CodingKey {
        case uuid, name, runtime, access, limits, env, secrets, egress, path
        case activeVersion = "active_version"
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }

    public init(_ record: FunctionRecord) {
        let key = record.function.key
        uuid = key.namespace
        name = key.name.description
        runtime = record.active?.settings.runtime
        access = record.function.access
        activeVersion = record.function.activeVersion
        limits = record.active?.settings.limits
        env = record.active?.settings.environment.variables.keys.sorted() ?? []
        secrets = record.active?.settings.secrets?.map(\.name.description)
        egress = record.active?.settings.egress ?? .nothing
        path = "/invok/\(key)"
        createdAt = record.function.createdAt.description
        updatedAt = record.function.updatedAt.description
    }
}

/// The body of `PUT /api/v1/functions/{namespace}/{name}`. What is missing stays as it is; `env` and `limits` given make
/// a new version of the same code.
public struct FunctionUpdate: Hashable, Sendable, Codable {
    public var access: Access?
    public var env: [String: String]?
    public var limits: LimitsConfig?

    public init(access: Access? = nil, env: [String: String]? = nil, limits: LimitsConfig? = nil) {
        self.access = access
        self.env = env
        self.limits = limits
    }
}

/// The answer to a deploy, a rollback or an update.
public struct DeployResponse: Hashable, Sendable, Codable {
    public var uuid: UUIDValue
    public var name: String
    public var version: Int
    public var path: String
    public var access: Access
    public var buildLog: String

    enum CodingKeys: String, CodingKey {
        case uuid, name, version, path, access
        case buildLog = "build_log"
    }

    public init(_ deployment: Deployment) {
        let function = deployment.version.key.function
        uuid = function.namespace
        name = function.name.description
        version = deployment.version.key.number
        path = "/invok/\(function)"
        access = deployment.access
        buildLog = deployment.version.buildLog
    }
}

/// A version as `GET …/versions` shows it.
public struct VersionMessage: Hashable, Sendable, Codable {
    public enum State: String, Hashable, Sendable, Codable { case building, ready, failed }

    public var number: Int
    public var state: State
    public var active: Bool
    public var runtime: Runtime
    /// The SHA-256 of the uploaded archive.
    public var artifact: String
    /// What of the network it may reach; older servers do not say.
    public var egress: Egress?
    /// Why it failed.
    public var reason: String?
    public var buildLog: String
    public var createdBy: UUIDValue
    public var createdAt: String

    enum CodingKeys: String, CodingKey {
        case number, state, active, runtime, artifact, egress, reason
        case buildLog = "build_log"
        case createdBy = "created_by"
        case createdAt = "created_at"
    }

    public init(_ version: Version, isActive: Bool) {
        number = version.key.number
        active = isActive
        runtime = version.settings.runtime
        artifact = version.artifact.description
        egress = version.settings.egress ?? .nothing
        switch version.state {
        case .building: (state, reason) = (.building, nil)
        case .ready: (state, reason) = (.ready, nil)
        case .failed(let why): (state, reason) = (.failed, why)
        }
        buildLog = version.buildLog
        createdBy = version.createdBy
        createdAt = version.createdAt.description
    }
}

/// The body of `POST …/rollback`. Without a number, the newest ready version before the active one.
public struct RollbackRequest: Hashable, Sendable, Codable {
    public var to: Int?

    public init(to: Int? = nil) { self.to = to }
}
