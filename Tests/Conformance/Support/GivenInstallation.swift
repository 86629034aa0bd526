import Foundation
import Invok
import InvokAuth

/// A server that somebody else started, in whatever way, at the URL `INVOK_URL`. `ci/compose-test` tries the images by it.
struct GivenInstallation: ServedInstallation {
    let url: String
    private let secret: String

    /// - Throws: when the environment does not name one.
    init() throws {
        let environment = ProcessInfo.processInfo.environment
        guard let url = environment["INVOK_URL"], let secret = environment["AUTH_JWT_SECRET"] else {
            throw NeverHappened(
                description: "the world 'given' is the server at INVOK_URL, whose AUTH_JWT_SECRET is needed too")
        }
        (self.url, self.secret) = (url, secret)
    }

    func crashAndRestart() async throws {
        throw NeverHappened(description: "a server that somebody else started cannot be ended")
    }

    func expiredToken(of user: UserID) async throws -> String {
        try await JWTTokenCodec(secret: Array(secret.utf8)).sign(.expired(user))
    }

    func stop() async {}
}
