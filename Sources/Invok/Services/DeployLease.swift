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
