import Foundation
import Invok
import InvokAuth
import TestSupport
import Testing

/// `invok-core` as a process of its own, on PostgreSQL, Redis and Docker Engine, with a schema and a data directory of
/// its own. Docker's images are those that the environment names.
actor ProductionInstallation: ServedInstallation {
    private let directory: String
    private let schema: TestSchema
    private var process: CoreProcess

    private init(directory: String, schema: TestSchema, process: CoreProcess) {
        self.directory = directory
        self.schema = schema
        self.process = process
    }

    static func start() async throws -> ProductionInstallation {
        let directory = NSTemporaryDirectory() + "invok-conformance-\(UUID().uuidString.prefix(8))"
        let schema = try await TestSchema.make()
        do {
            let process = try await CoreProcess.start(
                dataDirectory: directory, port: 0, environment: try environment(schema))
            return ProductionInstallation(directory: directory, schema: schema, process: process)
        } catch {
            try? await schema.remove()
            throw error
        }
    }

    private static func environment(_ schema: TestSchema) throws -> [String: String] {
        [
            "DATABASE_URL": schema.url, "REDIS_URL": try Services.redisURL(),
            "INVOK_SECRETS_KEY": "p4Xv8sK2mQ9rT6wZ1yB7nC3dF5gH0jL2",
            "INVOK_ENGINE": "docker", "DOCKER_HOST": try Services.dockerHost(),
        ]
    }

    var url: String { process.url }

    func crashAndRestart() async throws {
        let port = process.port
        await process.end(with: SIGKILL)
        process = try await CoreProcess.start(
            dataDirectory: directory, port: port, environment: try Self.environment(schema))
    }

    func expiredToken(of user: UserID) async throws -> String {
        let codec = try await JWTTokenCodec(secret: SecretFile(.token, path: directory + "/jwt-secret").readOrMake())
        return try await codec.sign(.expired(user))
    }

    func stop() async {
        await process.end(with: SIGTERM)
        // They outlive their core.
        do {
            try await Services.removeContainers(ofDataDirectory: directory)
        } catch {
            Issue.record("containers are left behind: \(error)")
        }
        try? FileManager.default.removeItem(atPath: directory)
        try? await schema.remove()
    }
}
