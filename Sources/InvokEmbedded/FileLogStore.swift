public import Invok
import InvokConcurrency
import InvokPOSIX
import Synchronization

/// Logs as files: a folder for each function with two files of a fixed size, of which the older one goes when the newer
/// one is full.
public final class FileLogStore: LogStore {
    /// How many functions' ends are remembered; the others' are read from their files again.
    private static let rememberedFunctions = 1024
    private static let followBatch = 1000

    private let directory: String
    private let maximumFileBytes: Int
    private let queue = BlockingQueue(label: "invok.logs")
    private let wakeups = Broadcast<FunctionKey, Void>(buffer: 1)
    /// Touched on the queue only; the lock says so to the compiler.
    private let files = Mutex<[FunctionKey: FunctionLogFiles]>([:])

    /// - Parameters:
    ///   - directory: a folder of this store alone, used by one core at a time; made where it is missing.
    ///   - maximumFileBytes: the size of one file; a function's log takes up to two of them.
    /// - Throws: `unavailable`, or `full`.
    public init(directory: String, maximumFileBytes: Int = 1 << 20) throws(LogError) {
        self.directory = directory
        self.maximumFileBytes = maximumFileBytes
        do throws(SystemError) {
            try Files.makeDirectories(directory, mode: 0o700)
        } catch {
            throw LogError(error)
        }
    }

    public func append(_ lines: [LogLine], to function: FunctionKey) async throws(LogError) {
        try await onQueue(function) { (files) throws(SystemError) in try files.append(lines) }
        wakeups.send((), on: function)
    }

    public func lines(
        of function: FunctionKey, since: Timestamp?, limit: Int, matching filter: LogFilter
    ) async throws(LogError) -> [LogEntry] {
        // Looked through here, so that the queue is free for those who write.
        let entries = try await onQueue(function) { (files) throws(SystemError) in
            try files.entries(since: since, limit: filter == .all ? max(0, limit) : .max)
        }
        return await entries.newest(max(0, limit), matching: filter)
    }

    public func follow(
        _ function: FunctionKey, after: LogCursor?, matching filter: LogFilter
    ) -> AsyncStream<LogEntry> {
        let wakeups = wakeups.messages(on: function)
        let start = FollowStart(cursor: after)
        if after == nil {
            // Before any append that comes after this call, as the queue keeps the order.
            queue.enqueue { [self] in
                let last = try? withFiles(function) { (files) throws(SystemError) in files.last }
                start.cursor.withLock { $0 = LogCursor(sequence: (last ?? nil) ?? 0) }
            }
        }
        return LogFollower.entries(wakeups: wakeups, after: after, matching: filter) { [weak self] cursor in
            let entries = await self?.entries(of: function, after: cursor, or: start) ?? []
            return (entries, entries.last?.cursor ?? cursor ?? start.cursor.withLock { $0 })
        }
    }

    public func functions() async throws(LogError) -> Set<FunctionKey> {
        do throws(SystemError) {
            return try await queue.run { [directory] () throws(SystemError) in
                var functions: Set<FunctionKey> = []
                for folder in try Files.list(directory) {
                    guard let namespace = Namespace(folder) else { continue }
                    for name in try Files.list("\(directory)/\(folder)") {
                        guard let name = try? FunctionName(name) else { continue }
                        functions.insert(FunctionKey(namespace: namespace, name: name))
                    }
                }
                return functions
            }
        } catch {
            throw LogError(error)
        }
    }

    public func remove(_ function: FunctionKey) async throws(LogError) {
        try await onQueue(function) { [self] (files) throws(SystemError) in
            try files.remove()
            Files.removeDirectoryIfEmpty("\(directory)/\(function.namespace)")
        }
    }

    /// Where a follower starts, known once the queue has come to it.
    private final class FollowStart: Sendable {
        let cursor: Mutex<LogCursor?>
        init(cursor: LogCursor?) { self.cursor = Mutex(cursor) }
    }

    /// What a follower reads next; a log that cannot be read now is tried again after the next line.
    private func entries(of function: FunctionKey, after cursor: LogCursor?, or start: FollowStart) async -> [LogEntry]
    {
        let entries = try? await onQueue(function) { (files) throws(SystemError) in
            let cursor = cursor ?? start.cursor.withLock { $0 } ?? LogCursor(sequence: 0)
            return try files.entries(after: cursor, limit: Self.followBatch)
        }
        return entries ?? []
    }

    private func onQueue<Value: Sendable>(
        _ function: FunctionKey, _ call: @escaping @Sendable (inout FunctionLogFiles) throws(SystemError) -> Value
    ) async throws(LogError) -> Value {
        do throws(SystemError) {
            return try await queue.run { [self] () throws(SystemError) in try withFiles(function, call) }
        } catch {
            throw LogError(error)
        }
    }

    private func withFiles<Value: Sendable>(
        _ function: FunctionKey, _ call: (inout FunctionLogFiles) throws(SystemError) -> Value
    ) throws(SystemError) -> Value {
        try files.withLock { (remembered) throws(SystemError) in
            if remembered.count >= Self.rememberedFunctions { remembered = [:] }
            let path = "\(directory)/\(function.namespace)/\(function.name)"
            var files: FunctionLogFiles
            if let known = remembered.removeValue(forKey: function) {
                files = known
            } else {
                files = try FunctionLogFiles(directory: path, maximumFileBytes: maximumFileBytes)
            }
            // Forgotten when the call throws: the files then tell what is in them.
            let value = try call(&files)
            remembered[function] = files
            return value
        }
    }
}

extension LogError {
    fileprivate init(_ error: SystemError) {
        self = error.isFull ? .full : .unavailable(error.message)
    }
}
