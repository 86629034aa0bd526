/// Keeps the deploys of one function apart, also between cores. Without the cache there is no lease, and the store's
/// own check decides.
struct DeployLease: Sendable {
    let cache: any CoordinationCache
    let key: FunctionKey
    let holder: String

    private var name: String { Self.name(key) }

    /// - Returns: whether this deploy may go on.
    func acquire(for duration: Duration) async -> Bool {
        do throws(CacheError) {
            return try await cache.acquireLease(name, holder: holder, duration: duration)
        } catch {
            return true
        }
    }

    /// Does the work and extends the lease meanwhile, so that it may be short: it runs out soon when its core is gone.
    /// Whether it could be extended makes no difference here, since the store's own check decides.
    func extending<Value: Sendable>(
        by duration: Duration, on clock: any Clock, _ work: () async throws(InvokError) -> Value
    ) async throws(InvokError) -> Value {
        let result = await withTaskGroup(of: Void.self) { group -> Result<Value, InvokError> in
            group.addTask {
                while true {
                    do throws(CancellationError) {
                        try await clock.sleep(until: clock.now().advanced(by: duration / 3))
                    } catch {
                        return
                    }
                    _ = await acquire(for: duration)
                }
            }
            defer { group.cancelAll() }
            do throws(InvokError) {
                return .success(try await work())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// A lease that is not given back runs out.
    func release() async {
        do throws(CacheError) { try await cache.releaseLease(name, holder: holder) } catch { return }
    }

    /// Whether a deploy of the function goes on somewhere; without the cache nobody knows, and it is taken to.
    static func isHeld(_ key: FunctionKey, in cache: any CoordinationCache) async -> Bool {
        do throws(CacheError) { return try await cache.isLeased(name(key)) } catch { return true }
    }

    private static func name(_ key: FunctionKey) -> String { "deploy:\(key)" }
}
