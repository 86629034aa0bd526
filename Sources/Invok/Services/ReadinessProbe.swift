import Synchronization

/// The readiness probe: asks each part at intervals whether it serves, by a single flight, and keeps what it heard.
///
/// Whoever wants to know reads that, however often. A part that does not answer in time counts as missing, and is not
/// asked again before it has answered.
final class ReadinessProbe: Sendable {
    /// Between an answer and the next question.
    static let interval = Duration.seconds(1)
    /// How long a part may take to answer.
    static let limit = Duration.seconds(2)

    private struct Hearing {
        var askedAt: Instant?
        /// What was wrong when it answered last.
        var failure: String?
    }

    private typealias Part = (name: String, failure: @Sendable () async -> String?)

    private let parts: [Part]
    private let clock: any Clock
    private let hearings: Mutex<[String: Hearing]>

    init(world: World) {
        clock = world.clock
        parts = [
            (
                "store",
                {
                    do throws(StoreError) { try await world.store.check() } catch { return "\(error)" }
                    return nil
                }
            ),
            (
                "cache",
                {
                    do throws(CacheError) { try await world.cache.check() } catch { return "\(error)" }
                    return nil
                }
            ),
            (
                "engine",
                {
                    do throws(EngineError) { _ = try await world.engine.list() } catch { return "\(error)" }
                    return nil
                }
            ),
        ]
        hearings = Mutex(Dictionary(uniqueKeysWithValues: parts.map { ($0.name, Hearing()) }))
    }

    /// Each part with what is wrong with it, or `nil`.
    var failures: [String: String?] {
        let now = clock.now()
        return hearings.withLock { hearings in
            hearings.mapValues { hearing in
                if let asked = hearing.askedAt, asked.advanced(by: Self.limit) <= now { return "it does not answer" }
                return hearing.failure
            }
        }
    }

    /// Asks all parts once.
    func ask() async {
        await withDiscardingTaskGroup { group in
            for part in parts { group.addTask { await self.ask(part) } }
        }
    }

    /// Asks them again and again, until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            for part in parts {
                group.addTask {
                    while true {
                        do throws(CancellationError) {
                            try await self.clock.sleep(until: self.clock.now().advanced(by: Self.interval))
                        } catch {
                            return
                        }
                        await self.ask(part)
                    }
                }
            }
        }
    }

    private func ask(_ part: Part) async {
        let now = clock.now()
        hearings.withLock { $0[part.name]?.askedAt = now }
        let failure = await part.failure()
        hearings.withLock { $0[part.name] = Hearing(askedAt: nil, failure: failure) }
    }
}
