import Glibc
import Invok
import InvokPOSIX

/// The two files of one function's log: the current one, and the previous one that it replaces when it is full. Used
/// from one thread. No file stays open between two calls, so the number of functions does not count against the limit
/// on open files.
struct FunctionLogFiles {
    /// How much of the current file is read first: most readers want its end only.
    private static let tailBytes = 64 * 1024

    private let directory: String
    private let maximumFileBytes: Int
    /// The sequence of the last entry; `nil` for an empty log.
    private(set) var last: UInt64?
    private var currentBytes = 0

    private var current: String { "\(directory)/current.log" }
    private var previous: String { "\(directory)/previous.log" }

    /// Finds where the log ends, and takes off what a crash tore.
    init(directory: String, maximumFileBytes: Int) throws(SystemError) {
        self.directory = directory
        self.maximumFileBytes = maximumFileBytes
        let bytes = try Self.read(current)
        currentBytes = LogRecord.wholeLength(bytes)
        if currentBytes < bytes.count {
            guard truncate(current, off_t(currentBytes)) == 0 else { throw SystemError("write", current) }
        }
        last = LogRecord.decode(bytes.prefix(currentBytes)).last?.cursor.sequence
        if last == nil { last = LogRecord.decode(try Self.read(previous)[...]).last?.cursor.sequence }
    }

    /// Adds lines at the end. When it throws, the lines from some point on are missing, and none is there in part.
    mutating func append(_ lines: [LogLine]) throws(SystemError) {
        try Files.makeDirectories(directory, mode: 0o700)
        var pending: [UInt8] = []
        var sequence = last
        for line in lines {
            let next = sequence.map { $0 + 1 } ?? Self.firstSequence(line)
            let record = LogRecord.encode(LogEntry(cursor: LogCursor(sequence: next), line: line.capped))
            if currentBytes + pending.count + record.count > maximumFileBytes {
                try flush(pending, last: sequence)
                pending = []
                if currentBytes > 0 { try rotate() }
            }
            pending += record
            sequence = next
        }
        try flush(pending, last: sequence)
    }

    /// Entries behind a cursor, oldest first, at most so many.
    func entries(after cursor: LogCursor, limit: Int) throws(SystemError) -> [LogEntry] {
        guard let last, last > cursor.sequence else { return [] }
        var entries = try tail()
        if entries.isEmpty || entries[0].cursor.sequence > cursor.sequence + 1 { entries = try all() }
        return Array(entries.drop { $0.cursor <= cursor }.prefix(limit))
    }

    /// The newest entries of that time or later, oldest first, at most so many.
    func entries(since: Timestamp?, limit: Int) throws(SystemError) -> [LogEntry] {
        let isWanted = { (entry: LogEntry) in since.map { entry.line.time >= $0 } ?? true }
        let newest = try tail().filter(isWanted)
        return newest.count >= limit ? newest.suffix(limit) : try all().filter(isWanted).suffix(limit)
    }

    /// Removes the files and the folder. What comes after goes on with the sequence.
    mutating func remove() throws(SystemError) {
        try Files.remove(current)
        try Files.remove(previous)
        currentBytes = 0
        Files.removeDirectoryIfEmpty(directory)
    }

    /// A log that begins again after its removal must not use a cursor twice, and nothing of the old one is left to
    /// know them by. Time in microseconds grows faster than lines are written, and fits 53 bits until the year 2255.
    private static func firstSequence(_ line: LogLine) -> UInt64 {
        UInt64(max(1, line.time.millisecondsSinceEpoch)) * 1000
    }

    private mutating func flush(_ bytes: [UInt8], last: UInt64?) throws(SystemError) {
        guard !bytes.isEmpty else { return }
        let file = try Descriptor.open(current, O_WRONLY | O_CREAT | O_APPEND)
        do throws(SystemError) {
            try file.writeAll(bytes)
        } catch {
            try? file.truncate(to: currentBytes)
            throw error
        }
        currentBytes += bytes.count
        self.last = last
    }

    private mutating func rotate() throws(SystemError) {
        try Files.rename(current, to: previous)
        currentBytes = 0
    }

    private func tail() throws(SystemError) -> [LogEntry] {
        guard currentBytes > Self.tailBytes else { return LogRecord.decode(try Self.read(current)[...]) }
        let bytes = try Files.contents(of: current, from: currentBytes - Self.tailBytes)
        return LogRecord.decode(bytes.drop { $0 != LogRecord.newline })
    }

    private func all() throws(SystemError) -> [LogEntry] {
        LogRecord.decode(try Self.read(previous)[...]) + LogRecord.decode(try Self.read(current)[...])
    }

    /// A file's content, nothing when it does not exist.
    private static func read(_ path: String) throws(SystemError) -> [UInt8] {
        do throws(SystemError) {
            return try Files.contents(of: path)
        } catch {
            guard error.isMissing else { throw error }
            return []
        }
    }
}
