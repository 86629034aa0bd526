import Invok
import InvokPOSIX
import ServiceLifecycle

#if os(Linux)
    import CLinux
#endif

/// Gives back to the machine what a burst has left unused: the C library keeps it for itself otherwise, in each of its
/// arenas (malloc_trim(3)).
struct MemoryTrim: Service {
    static let interval = Duration.seconds(20)

    let clock: any Clock
    private let thread = WorkerPool(threads: 1)

    init(clock: any Clock) { self.clock = clock }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            do throws(CancellationError) {
                while true {
                    try await clock.sleep(until: clock.now().advanced(by: Self.interval))
                    #if os(Linux)
                        // It takes milliseconds, so no task's thread does it.
                        await thread.run { _ = malloc_trim(0) }
                    #endif
                }
            } catch {}
        }
    }
}
