/// A person with an account.
public struct User: Hashable, Sendable {
    public let id: UserID
    public let email: Email
    /// What the `PasswordHasher` made, with its parameters.
    public var passwordHash: String
    public var role: Role
    public var isDisabled: Bool
    public let createdAt: Timestamp

    public init(
        id: UserID, email: Email, passwordHash: String, role: Role, isDisabled: Bool = false, createdAt: Timestamp
    ) {
        self.id = id
        self.email = email
        self.passwordHash = passwordHash
        self.role = role
        self.isDisabled = isDisabled
        self.createdAt = createdAt
    }
}

/// Shares a namespace with a user who does not own it.
public struct Grant: Hashable, Sendable {
    public let namespace: Namespace
    public let user: UserID
    public let role: Role

    public init(namespace: Namespace, user: UserID, role: Role) {
        self.namespace = namespace
        self.user = user
        self.role = role
    }
}

/// A function of a namespace. What runs is its active version; that carries the code, the environment and the limits.
public struct Function: Hashable, Sendable {
    public let key: FunctionKey
    public var access: Access
    /// The number of the version that answers; `nil` until one has been ready.
    public var activeVersion: Int?
    public let createdAt: Timestamp
    public var updatedAt: Timestamp
    /// How often somebody has had its running instances replaced.
    public var restarts: Int

    public init(
        key: FunctionKey, access: Access, activeVersion: Int? = nil, createdAt: Timestamp, updatedAt: Timestamp,
        restarts: Int = 0
    ) {
        self.restarts = restarts
        self.key = key
        self.access = access
        self.activeVersion = activeVersion
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}

/// What a version runs with. It belongs to the version, not to the function, so that a rollback brings back exactly
/// what ran before.
public struct VersionSettings: Hashable, Sendable, Codable {
    public let runtime: Runtime
    public let environment: Environment
    public let limits: Limits
    /// The origins whose pages may call the function though it is private. `nil` where none are named, and in what was
    /// stored before there were any.
    public let cors: [String]?
    /// Where the function is, unless in the file that its runtime looks for.
    public let entry: EntryPoint?
    /// `nil` in what was stored before there was a choice: at its name, whatever it is.
    public let mount: Mount?
    /// The secrets that it runs with. `nil` where none are named, and in what was stored before there were any.
    public let secrets: [SecretReference]?
    /// `nil` where it asks for nothing, and in what was stored before one could.
    public let egress: Egress?
    /// The environment as the store keeps it, in the place of `environment`, which is empty then. Above the store it is
    /// `nil`, unless it could not be opened.
    public let sealed: SealedValue?

    public init(
        runtime: Runtime, environment: Environment, limits: Limits, cors: [String] = [],
        entry: EntryPoint? = nil, mount: Mount? = .standard, egress: Egress = .nothing,
        secrets: [SecretReference] = [], sealed: SealedValue? = nil
    ) {
        self.runtime = runtime
        self.environment = environment
        self.limits = limits
        self.cors = cors.isEmpty ? nil : cors
        self.entry = entry
        self.mount = mount
        self.secrets = secrets.isEmpty ? nil : secrets
        self.egress = egress == .nothing ? nil : egress
        self.sealed = sealed
    }

    /// The same but for the environment, open or sealed.
    package func with(_ environment: Environment, sealed: SealedValue?) -> VersionSettings {
        VersionSettings(
            runtime: runtime, environment: environment, limits: limits, cors: cors ?? [], entry: entry, mount: mount,
            egress: egress ?? .nothing, secrets: secrets ?? [], sealed: sealed)
    }
}

/// One deployed state of a function. Never changed once `ready`.
public struct Version: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        case building
        /// Built and seen to answer.
        case ready(bundle: BundleID)
        /// Why it never became ready, in a sentence.
        case failed(reason: String)
    }

    public let key: VersionKey
    /// The uploaded archive.
    public let artifact: Digest
    public let settings: VersionSettings
    public var state: State
    /// What the build printed, capped.
    public var buildLog: String
    public let createdBy: UserID
    public let createdAt: Timestamp

    public init(
        key: VersionKey, artifact: Digest, settings: VersionSettings, state: State = .building, buildLog: String = "",
        createdBy: UserID, createdAt: Timestamp
    ) {
        self.key = key
        self.artifact = artifact
        self.settings = settings
        self.state = state
        self.buildLog = buildLog
        self.createdBy = createdBy
        self.createdAt = createdAt
    }

    public var bundle: BundleID? {
        if case .ready(let bundle) = state { bundle } else { nil }
    }
}

/// Names a built bundle: a directory that holds all a version needs to run, shared by versions built from the same
/// archive.
public struct BundleID: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let digest: Digest

    public init(_ digest: Digest) { self.digest = digest }

    public var description: String { digest.description }

    public static func < (left: Self, right: Self) -> Bool { left.digest < right.digest }

    public init(from decoder: any Decoder) throws {
        digest = try decoder.singleValueContainer().decode(Digest.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(digest)
    }
}

/// A function with its active version, read together.
public struct FunctionRecord: Hashable, Sendable {
    public let function: Function
    /// `nil` when no version has been ready yet.
    public let active: Version?

    public init(function: Function, active: Version?) {
        self.function = function
        self.active = active
    }
}
