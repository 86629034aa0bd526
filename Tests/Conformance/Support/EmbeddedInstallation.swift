import Foundation
import Invok
import InvokAuth
import TestSupport

/// `invok-core` as a process of its own, on a data directory that goes with it.
actor EmbeddedInstallation: ServedInstallation {
    private let directory: String
    private var process: CoreProcess

    private init(directory: String, process: CoreProcess) {
        self.directory = directory
        self.process = process
    }

    static func start() async throws -> EmbeddedInstallation {
        let directory = NSTemporaryDirectory() + "invok-conformance-\(UUID().uuidString.prefix(8))"
        return EmbeddedInstallation(
            directory: directory, process: try await CoreProcess.start(dataDirectory: directory, port: 0))
    }

    var url: String { process.url }

    func crashAndRestart() async throws {
        let port = process.port
        await process.end(with: SIGKILL)
        process = try await CoreProcess.start(dataDirectory: directory, port: port)
    }

    func expiredToken(of user: UserID) async throws -> String {
        let codec = try await JWTTokenCodec(secret: SecretFile(.token, path: directory + "/jwt-secret").readOrMake())
        return try await codec.sign(.expired(user))
    }

    func stop() async {
        await process.end(with: SIGTERM)
        try? FileManager.default.removeItem(atPath: directory)
    }
}
