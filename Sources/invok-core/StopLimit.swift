import Logging
import ServiceLifecycle
import Synchronization

/// Bounds the end: a request that goes on for good must not keep the server from stopping what it runs. A watchdog.
final class StopLimit: Sendable {
    /// What is cancelled gets so long to notice.
    private static let cancellation = Duration.seconds(5)

    enum End: Sendable {
        case ended(Result<Void, any Error>)
        case overdue
    }

    private let limit: Duration
    private let (ends, continuation) = AsyncStream.makeStream(of: End.self)
    private let hasBegun = Mutex(false)

    init(_ limit: Duration) { self.limit = limit }

    /// Whether the server was told to stop.
    var isStopping: Bool { hasBegun.withLock { $0 } }

    /// The server was told to stop.
    func begin() {
        hasBegun.withLock { $0 = true }
        Task {
            // Not cancelled by anybody, so that it is only time that ends it.
            try? await ContinuousClock().sleep(for: limit + Self.cancellation)
            continuation.yield(.overdue)
        }
    }

    /// Runs the services until they have ended, or should have.
    func run(_ services: ServiceGroup) async -> End {
        Task {
            do {
                try await services.run()
                continuation.yield(.ended(.success(())))
            } catch {
                continuation.yield(.ended(.failure(error)))
            }
        }
        for await end in ends { return end }
        return .overdue
    }
}

/// A service that says when it is told to stop.
struct AnnouncedService: Service {
    let service: any Service
    let onStop: @Sendable () -> Void

    func run() async throws {
        try await withGracefulShutdownHandler {
            try await service.run()
        } onGracefulShutdown: {
            onStop()
        }
    }
}
