#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// A lock between processes on a folder (flock(2)), which leaves nothing there; a process that ends gives it back.
struct FolderLock {
    /// How long another process may have it.
    private static let patience = Duration.seconds(60)
    private static let pause = Duration.milliseconds(20)

    private let descriptor: Int32

    /// Waits for the lock.
    /// - Parameter path: the folder.
    static func take(_ path: String) async throws -> FolderLock {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Failure.file(path, "open", Files.reason()) }
        let end = ContinuousClock.now + patience
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            guard errno == EWOULDBLOCK || errno == EINTR, ContinuousClock.now < end else {
                let reason = Files.reason()
                close(descriptor)
                throw Failure.file(path, "lock", reason, nextStep: "end the other runs of invok")
            }
            try await Task.sleep(for: pause)
        }
        return FolderLock(descriptor: descriptor)
    }

    func release() { close(descriptor) }
}
