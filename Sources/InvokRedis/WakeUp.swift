#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Ends a thread's waiting for a socket, from any other thread: a pipe to itself.
final class WakeUp: Sendable {
    private let reading: Int32
    private let writing: Int32

    init() throws(RedisFailure) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw RedisFailure("there are too many open files") }
        (reading, writing) = (ends[0], ends[1])
        for end in ends {
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        close(reading)
        close(writing)
    }

    /// Lets the waiting end, or the next one that begins.
    func signal() {
        var byte: UInt8 = 0
        // A full pipe has been signalled already.
        _ = write(writing, &byte, 1)
    }

    /// Waits until it is signalled, the socket has something, or the time is over.
    /// - Returns: whether there is something to read on the socket, its end included.
    @discardableResult
    func wait(_ socket: Int32?, wantsToWrite: Bool, for duration: Duration) -> Bool {
        let events = Int16(POLLIN) | (wantsToWrite ? Int16(POLLOUT) : 0)
        // A negative descriptor is passed over.
        var descriptors = [
            pollfd(fd: reading, events: Int16(POLLIN), revents: 0),
            pollfd(fd: socket ?? -1, events: events, revents: 0),
        ]
        let milliseconds = Int32(clamping: Int(clamping: duration.components.seconds) * 1000)
        let rest = Int32(duration.components.attoseconds / 1_000_000_000_000_000)
        _ = poll(&descriptors, 2, milliseconds &+ rest &+ 1)
        if descriptors[0].revents != 0 {
            var bytes = [UInt8](repeating: 0, count: 64)
            while read(reading, &bytes, bytes.count) == bytes.count {}
        }
        return descriptors[1].revents & ~Int16(POLLOUT) != 0
    }

    /// hiredis writes without asking not to be signalled when the other side is gone; its errors say so as well.
    static func ignoreBrokenPipes() {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }
}
