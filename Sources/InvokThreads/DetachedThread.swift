#if canImport(Glibc)
    import Glibc
    private typealias Handle = pthread_t
#else
    import Darwin
    private typealias Handle = pthread_t?
#endif

/// A thread that nobody waits for (pthread_create(3)).
package enum DetachedThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Starts it.
    /// - Returns: whether the system had one to give.
    package static func start(_ run: @escaping @Sendable () -> Void) -> Bool {
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        let context = Unmanaged.passRetained(Body(run))
        #if canImport(Glibc)
            var thread = Handle()
        #else
            var thread: Handle
        #endif
        let code = pthread_create(&thread, &attributes, { begin($0) }, context.toOpaque())
        if code != 0 { context.release() }
        return code == 0
    }

    private static func begin(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let context else { return nil }
        let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
        // A write into a pipe that nobody reads any more is an error, not the end of the process.
        var blocked = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &blocked, nil)
        body.run()
        return nil
    }
}
