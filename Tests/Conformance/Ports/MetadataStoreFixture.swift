import Invok
import InvokSim

/// Values for the metadata store's contract.
enum Sample {
    static let ann = UserID(high: 1, low: 1)
    static let bob = UserID(high: 0xFFFF_FFFF_FFFF_FFFF, low: 2)
    static let nobody = UserID(high: 9, low: 9)

    static func user(_ id: UserID, _ email: String, role: Role = .developer) throws -> User {
        User(id: id, email: try Email(email), passwordHash: "hash of \(email)", role: role, createdAt: time(1))
    }

    static func time(_ seconds: Int64) -> Timestamp {
        Timestamp(millisecondsSinceEpoch: 1_700_000_000_000 + seconds * 1000 + 7)
    }

    static func key(_ namespace: Namespace = ann, _ name: String = "hello") throws -> FunctionKey {
        FunctionKey(namespace: namespace, name: try FunctionName(name))
    }

    static func settings(_ runtime: Runtime = .python) throws -> VersionSettings {
        var limits = LimitsConfig()
        limits.memoryMB = 64
        limits.cpus = 0.25
        return VersionSettings(
            runtime: runtime, environment: try Environment(["A": "b\n\u{1F600}", "EMPTY": ""]),
            limits: try Limits(limits))
    }

    static func draft(_ function: FunctionKey, _ content: UInt8 = 1, at seconds: Int64 = 2) throws -> VersionDraft {
        VersionDraft(
            function: function, artifact: Digest(of: [content]), settings: try settings(), createdBy: ann,
            createdAt: time(seconds))
    }

    static let sealer = EnvironmentSealer(
        key: SealingKey(secret: Array("the key of the contract".utf8)), randomness: SimRandomness(seed: 1))

    static func bundle(_ content: UInt8 = 1) -> BundleID { BundleID(Digest(of: [0xB0, content])) }
}

extension MetadataStore {
    /// Adds Ann, who becomes the admin, and Bob.
    func addUsers() async throws {
        _ = try await createUser(Sample.user(Sample.ann, "ann@example.com"))
        _ = try await createUser(Sample.user(Sample.bob, "bob@example.com"))
    }

    /// Begins a version and makes it the active one.
    @discardableResult
    func deploy(
        _ function: FunctionKey, _ content: UInt8 = 1, expectedActive: Int? = nil, access: Access? = nil
    ) async throws -> VersionKey {
        let version = try await beginVersion(Sample.draft(function, content), access: .private).key
        try await activateBuilt(
            version, bundle: Sample.bundle(content), buildLog: "built \(content)", expectedActive: expectedActive,
            access: access, at: Sample.time(3))
        return version
    }
}
