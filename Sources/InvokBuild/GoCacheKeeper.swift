import Invok
import InvokConcurrency
import InvokPOSIX
import InvokRuntimes
import Logging
import Synchronization

/// Makes the shared cache of Go's standard library, once for all who need it in this core and in others.
package final class GoCacheKeeper: Sendable {
    private let place: any BuildPlace
    private let logger: Logger
    private let packages: @Sendable (GoBuildCache.Part) -> [String]
    private let work = SingleFlight<GoBuildCache.Part, Void>()
    /// After a failure, builds compile what they need themselves instead of each trying again.
    private let hasFailed = Atomic<Bool>(false)

    private static let deadlineSeconds = 600
    private static let lockInterval = Duration.milliseconds(100)

    package init(
        place: any BuildPlace, logger: Logger,
        packages: @escaping @Sendable (GoBuildCache.Part) -> [String] = \.packages
    ) {
        self.place = place
        self.logger = logger
        self.packages = packages
    }

    /// Returns once the part is there, or cannot be made, or the task has been cancelled.
    package func need(_ part: GoBuildCache.Part) async {
        guard !hasFailed.load(ordering: .relaxed), let tool = try? await place.tool("go") else { return }
        let cache = GoBuildCache(directory: place.cacheDirectory, tool: tool)
        guard !cache.has(part) else { return }
        await work.value(for: part) {
            do {
                try await self.make(part, cache, tool)
            } catch BuildError.cancelled {
            } catch {
                self.hasFailed.store(true, ordering: .relaxed)
                self.logger.warning("Go's standard library could not be compiled in advance: \(error)")
            }
        }
    }

    private func make(_ part: GoBuildCache.Part, _ cache: GoBuildCache, _ tool: BuildTool) async throws {
        let lock = try await lock(cache)
        defer { withExtendedLifetime(lock) {} }
        // Another core has made it while we waited.
        guard !cache.has(part) else { return }
        let plan = GoPackages.plan(packages(part))
        let folder = BuildFolder(path: cache.incoming + "/build")
        try cache.prepareIncoming()
        defer { cache.removeIncoming() }
        try folder.stage(plan.files)
        var isolation = BuildRun.isolation(plan.environment, plan.command, tool)
        isolation.niceness = part == .template ? 5 : 15
        cache.write(from: &isolation)
        // What is kept is in the cache.
        folder.offer(to: &isolation, keeping: nil)
        let result = try await BuildRun(isolation: isolation, tool: tool, deadlineSeconds: Self.deadlineSeconds)
            .run(in: place)
        guard result.status.code == 0 else {
            throw BuildError.failed(reason: "status \(result.status.code)", log: result.text)
        }
        try cache.adopt(part)
    }

    /// Waits for the lock. Looks for it now and then, since waiting in the kernel would hold a thread and could not be
    /// cancelled.
    private func lock(_ cache: GoBuildCache) async throws -> Descriptor {
        while true {
            if let lock = try cache.lock() { return lock }
            do {
                try await place.clock.sleep(until: place.clock.now().advanced(by: Self.lockInterval))
            } catch {
                throw BuildError.cancelled
            }
        }
    }
}
