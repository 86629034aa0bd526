import Foundation
import Invok
import Testing

@testable import InvokSQLite

/// A directory of a test's own, removed with it.
final class TemporaryStore {
    let directory: URL
    var path: String { directory.appending(path: "invok.sqlite").path }

    init() throws {
        directory = FileManager.default.temporaryDirectory.appending(path: "invok-sqlite-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: directory) }

    func open() throws(InvokError) -> SQLiteMetadataStore { try SQLiteMetadataStore(path: path) }
}

let someTime = Timestamp(millisecondsSinceEpoch: 1_700_000_000_123)
let laterTime = Timestamp(millisecondsSinceEpoch: 1_700_000_009_456)

func id(_ number: UInt64) -> UUIDValue { UUIDValue(high: 0x4000, low: number) }

func someUser(_ number: UInt64, role: Role = .developer, email: String? = nil) throws -> User {
    User(
        id: id(number), email: try Email(email ?? "user\(number)@example.com"), passwordHash: "hash\(number)",
        role: role, createdAt: someTime)
}

func key(_ name: String = "hello", in namespace: UUIDValue = id(1)) throws -> FunctionKey {
    FunctionKey(namespace: namespace, name: try FunctionName(name))
}

func draft(_ key: FunctionKey, artifact: String = "artifact") throws -> VersionDraft {
    var limits = LimitsConfig()
    limits.cpus = 0.3
    limits.memoryMB = 64
    return VersionDraft(
        function: key, artifact: Digest(of: artifact.utf8),
        settings: VersionSettings(
            runtime: .python, environment: try Environment(["GREETING": "\"grüß\"\n😀"]), limits: try Limits(limits)),
        createdBy: id(99), createdAt: someTime)
}

func bundle(_ name: String) -> BundleID { BundleID(Digest(of: name.utf8)) }

extension SQLiteMetadataStore {
    /// Begins a version and makes it the active one.
    func deploy(_ key: FunctionKey, replacing active: Int? = nil) async throws -> Version {
        let version = try await beginVersion(draft(key), access: .private)
        try await activateBuilt(
            version.key, bundle: bundle("\(version.key)"), buildLog: "built", expectedActive: active, access: nil,
            at: laterTime)
        return version
    }
}
