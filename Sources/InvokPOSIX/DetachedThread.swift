import CLinux

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
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
        let context = Unmanaged.passRetained(Body(run)).toOpaque()
        #if canImport(Glibc)
            var thread = pthread_t()
        #else
            var thread: pthread_t?
        #endif
        let code = pthread_create(&thread, &attributes, Self.main, context)
        if code != 0 { Unmanaged<Body>.fromOpaque(context).release() }
        return code == 0
    }

    #if canImport(Glibc)
        private static let main: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { context in
            if let context { begin(Unmanaged<Body>.fromOpaque(context).takeRetainedValue()) }
            return nil
        }
    #else
        private static let main: @convention(c) (UnsafeMutableRawPointer) -> UnsafeMutableRawPointer? = { context in
            begin(Unmanaged<Body>.fromOpaque(context).takeRetainedValue())
            return nil
        }
    #endif

    private static func begin(_ body: Body) {
        // A write into a pipe that nobody reads any more is an error, not the end of the process.
        var blocked = sigset_t()
        sigemptyset(&blocked)
        sigaddset(&blocked, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &blocked, nil)
        body.run()
    }
}
