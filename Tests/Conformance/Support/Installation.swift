import Invok

/// A running Invok, seen from outside.
protocol Installation: Sendable {
    /// `http://127.0.0.1:PORT`, the same until it is stopped.
    var url: String { get async }
    /// Ends the core at once, as `kill -9` does, and starts it again on the same state.
    func crashAndRestart() async throws
    func stop() async
    /// A token of the installation's own making that has run out.
    func expiredToken(of user: UserID) async throws -> String
}

extension TokenClaims {
    static func expired(_ user: UserID) -> TokenClaims {
        TokenClaims(
            user: user, issuedAt: Timestamp(millisecondsSinceEpoch: 1_000_000_000_000),
            expiresAt: Timestamp(millisecondsSinceEpoch: 1_000_000_060_000))
    }
}

/// One shared installation of each world, started when first asked for.
actor Installations {
    static let shared = Installations()

    private var running: [WorldName: Task<any Installation, any Error>] = [:]

    func installation(of world: WorldName) async throws -> any Installation {
        let task = running[world] ?? Task { try await Self.start(world) }
        running[world] = task
        return try await task.value
    }

    static func start(_ world: WorldName) async throws -> any Installation {
        switch world {
        case .sim: try await SimInstallation.start()
        case .embedded: try await EmbeddedInstallation.start()
        case .production: try await ProductionInstallation.start()
        }
    }
}
