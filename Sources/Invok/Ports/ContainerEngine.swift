/// Runs instances: sandboxes or containers, each of one version, isolated from all others.
///
/// The engine's own list is the truth of what runs.
public protocol ContainerEngine: Sendable {
    /// Creates and starts an instance. Returns once requests can be sent to its endpoint; whether the function answers
    /// them is for the caller to see.
    func start(_ instance: InstanceSpec) async throws(EngineError) -> RunningInstance
    /// Asks an instance to end (SIGTERM), waits up to `grace`, then ends it. Returns when it is gone with all it held;
    /// does nothing when there is none.
    func stop(_ id: InstanceID, grace: Duration) async
    /// Everything of this installation that runs, whichever core started it.
    func list() async throws(EngineError) -> [RunningInstance]
    /// Instances that ended by themselves, from now on, until the task is cancelled. Each is told as soon as its process
    /// has ended, before anything of it is removed; `list` shows it no more, and `stop` removes it.
    func exits() -> AsyncStream<InstanceExit>
    /// Why no instance can be given a network here, and what to do about that, in words for the operator; `nil` where
    /// egress works.
    func egressObstacle() async throws(EngineError) -> String?
    /// What this machine cannot enforce, each a sentence for the operator. Asked once, at start.
    func prepare() async throws(EngineError) -> [String]
}

public struct InstanceSpec: Hashable, Sendable {
    public let id: InstanceID
    public let version: VersionKey
    public let settings: VersionSettings
    public let bundle: BundleID
    /// What `settings.secrets` names, with the values of now.
    public var secrets: [SecretReference: SecretValue] = [:]
    /// The function's `restarts` by which it is started: one of an earlier number is to be replaced.
    public var generation = 0

    public init(id: InstanceID, version: VersionKey, settings: VersionSettings, bundle: BundleID) {
        self.id = id
        self.version = version
        self.settings = settings
        self.bundle = bundle
    }

    /// What it may take of the machine.
    public var share: Resources { Resources(settings.limits) }

    /// The values of its secrets of one form, by name.
    package func secrets(as form: SecretReference.Form) -> [String: String] {
        Dictionary(
            uniqueKeysWithValues: secrets.filter { $0.key.form == form }.map {
                ($0.key.name.description, $0.value.text)
            })
    }
}

public struct RunningInstance: Hashable, Sendable {
    public let id: InstanceID
    public let version: VersionKey
    public let endpoint: InstanceEndpoint
    /// What it may take of the machine.
    public let share: Resources
    /// As in its `InstanceSpec`.
    public let generation: Int

    public init(
        id: InstanceID, version: VersionKey, endpoint: InstanceEndpoint, share: Resources, generation: Int = 0
    ) {
        self.generation = generation
        self.id = id
        self.version = version
        self.endpoint = endpoint
        self.share = share
    }

    public init(_ spec: InstanceSpec, at endpoint: InstanceEndpoint) {
        self.init(
            id: spec.id, version: spec.version, endpoint: endpoint, share: spec.share, generation: spec.generation)
    }
}

/// Where an instance listens.
public enum InstanceEndpoint: Hashable, Sendable, CustomStringConvertible {
    /// The path of a unix domain socket that speaks HTTP/1.1.
    case unixSocket(String)

    public var description: String {
        switch self {
        case .unixSocket(let path): path
        }
    }
}

public struct InstanceExit: Hashable, Sendable {
    public let id: InstanceID
    /// In words, for the log: "exited with status 1", "was killed: out of memory".
    public let reason: String

    public init(id: InstanceID, reason: String) {
        self.id = id
        self.reason = reason
    }
}

public enum EngineError: Error, Hashable, Sendable {
    /// The instance could not be made to run, in words for the person.
    case startFailed(String)
    /// The engine does not work at all, in words for the operator.
    case unavailable(String)
    case cancelled
}
