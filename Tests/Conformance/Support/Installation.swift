import Foundation
import Invok
import InvokEmbedded

/// A running Invok, seen from outside.
protocol Installation: Sendable {
    /// The way in for clients, the same until it is stopped.
    var transport: any Transport { get async }
    /// The time that passes here.
    var clock: any Invok.Clock { get }
    /// A text of letters and digits that was not given before.
    func unique() -> String
    /// Ends the core at once, as `kill -9` does, and starts it again on the same state.
    func crashAndRestart() async throws
    func stop() async
    /// A token of the installation's own making that has run out.
    func expiredToken(of user: UserID) async throws -> String
}

/// One that is reached through sockets.
protocol ServedInstallation: Installation {
    /// `http://127.0.0.1:PORT`, the same until it is stopped.
    var url: String { get async }
}

extension ServedInstallation {
    var transport: any Transport {
        get async { SocketTransport(url: await url) }
    }
    var clock: any Invok.Clock { SystemClock() }
    func unique() -> String { UUID().uuidString.lowercased() }
}

/// Did not come to be so.
struct NeverHappened: Error, CustomStringConvertible {
    let description: String
}

/// Asks again until it is so. What is asked for comes by itself, and the server has no event to tell it by.
func eventually(
    on installation: any Installation, _ what: String, within limit: Duration = .seconds(30),
    _ condition: () async throws -> Bool
) async throws {
    let clock = installation.clock
    let deadline = clock.now().advanced(by: limit)
    var pause = Duration.milliseconds(20)
    while try await !condition() {
        guard clock.now() < deadline else { throw NeverHappened(description: "within \(limit): \(what)") }
        try await clock.sleep(until: clock.now().advanced(by: pause))
        pause = min(pause * 2, .milliseconds(500))
    }
}

extension TokenClaims {
    static func expired(_ user: UserID) -> TokenClaims {
        TokenClaims(
            user: user, issuedAt: Timestamp(millisecondsSinceEpoch: 1_000_000_000_000),
            expiresAt: Timestamp(millisecondsSinceEpoch: 1_000_000_060_000))
    }
}
