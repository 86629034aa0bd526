#if canImport(Glibc)
    import Dispatch
    import Glibc
#elseif canImport(Musl)
    import Dispatch
    import Musl
#else
    import Darwin
#endif

/// Tells that something in a folder may have changed. It may tell too often: whoever listens compares contents.
struct FolderWatcher: Sendable {
    let folder: String

    /// How long the folder must have been still: editors save in several steps.
    static let stillness = Duration.milliseconds(60)
    /// How often a folder is looked at where the system tells nothing.
    private static let pollInterval = Duration.milliseconds(300)

    /// One element for each burst of changes; the newest that was not yet taken stands for all before it.
    func changes() throws(Failure) -> AsyncStream<Void> {
        #if canImport(Glibc) || canImport(Musl)
            try notifications()
        #else
            polling()
        #endif
    }

    #if canImport(Glibc) || canImport(Musl)
        private func notifications() throws(Failure) -> AsyncStream<Void> {
            let descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
            guard descriptor >= 0 else { throw .file(folder, "watch", Files.reason()) }
            Self.watch(folder, "", with: descriptor)
            let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
            // Dispatch waits for the descriptor, so that no thread of the concurrency pool blocks in read(2). The
            // source ends with the stream. Sources may be cancelled from any thread, though Dispatch does not say so.
            nonisolated(unsafe) let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
            source.setEventHandler { [folder] in
                var events = [UInt8](repeating: 0, count: 16 * 1024)
                while read(descriptor, &events, events.count) > 0 {}
                // A new folder has to be watched as well; watching one again changes nothing.
                Self.watch(folder, "", with: descriptor)
                continuation.yield()
            }
            source.setCancelHandler { close(descriptor) }
            continuation.onTermination = { _ in source.cancel() }
            source.activate()
            return stream
        }

        /// - Parameter path: relative to the project. What no project uploads is not watched: it may be large.
        private static func watch(_ folder: String, _ path: String, with descriptor: Int32) {
            let events = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB
            _ = inotify_add_watch(descriptor, folder, UInt32(events) | UInt32(IN_ONLYDIR))
            for name in (try? Files.names(in: folder)) ?? [] {
                let (place, inner) = (folder + "/" + name, path.isEmpty ? name : path + "/" + name)
                guard let status = try? Files.status(place), status.kind == .directory,
                    IgnoreRules.standard.verdict(inner, isFolder: true)?.isExcluded != true
                else { continue }
                watch(place, inner, with: descriptor)
            }
        }
    #endif

    /// Looks again and again; used where there is no inotify.
    func polling() -> AsyncStream<Void> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
            let task = Task {
                while !Task.isCancelled {
                    try? await Task.sleep(for: Self.pollInterval)
                    continuation.yield()
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }
}
