import Synchronization

/// Receives archives. Each goes into the spool as it comes, however slowly, and holds no place of a deploy meanwhile;
/// what is in the spool is bounded in all and for each namespace.
public final class Uploads: Sendable {
    private let spool: any Spool
    private let reserve: DiskReserve
    private let budget: Mutex<SpoolBudget<Namespace>>

    init(spool: any Spool, reserve: DiskReserve, settings: SystemSettings) {
        self.spool = spool
        self.reserve = reserve
        let largest = settings.archiveLimits.archiveBytes
        let bytes = max(settings.spoolBytes, largest)
        budget = Mutex(
            SpoolBudget(
                .init(
                    files: settings.spoolFiles, filesPerOwner: max(1, settings.spoolFiles / 8), bytes: bytes,
                    bytesPerOwner: max(bytes / 4, largest))))
    }

    /// Runs the body with an upload to write to. It is gone when the body ends, however it ends.
    /// - Throws: `too_many_requests` when the namespace has too many uploads, `no_capacity` when all together have,
    ///   `storage_full`, also while little of the disk is free, `unavailable`, and what the body throws.
    public func receive<Value>(
        for namespace: Namespace, _ body: (Upload) async throws -> Value
    ) async throws -> Value {
        let upload = try await open(for: namespace)
        defer { upload.close() }
        return try await body(upload)
    }

    /// An upload to write to, which is there until it is closed, or the last reference to it goes.
    /// - Throws: what `receive` throws.
    public func open(for namespace: Namespace) async throws(InvokError) -> Upload {
        try await reserve.check()
        do throws(SpoolBudget<Namespace>.Refusal) {
            try budget.withLock { (budget) throws(SpoolBudget<Namespace>.Refusal) in try budget.open(namespace) }
        } catch {
            throw Self.refusal(error)
        }
        do throws(SpoolError) {
            return Upload(of: namespace, file: try await spool.make(), uploads: self)
        } catch {
            budget.withLock { $0.close(namespace, bytes: 0) }
            throw InvokError(error)
        }
    }

    fileprivate func close(_ namespace: Namespace, bytes: Int) {
        budget.withLock { $0.close(namespace, bytes: bytes) }
    }

    /// Files and bytes that are in the spool now.
    package var held: (files: Int, bytes: Int) { budget.withLock { ($0.files, $0.bytes) } }

    fileprivate func count(_ bytes: Int, of namespace: Namespace) throws(InvokError) {
        do throws(SpoolBudget<Namespace>.Refusal) {
            try budget.withLock { (budget) throws(SpoolBudget<Namespace>.Refusal) in
                try budget.add(bytes, of: namespace)
            }
        } catch {
            throw Self.refusal(error)
        }
    }

    private static func refusal(_ refusal: SpoolBudget<Namespace>.Refusal) -> InvokError {
        switch refusal {
        case .own:
            InvokError(
                .tooManyRequests, "too many uploads of this namespace go on at a time",
                nextStep: "wait for one of them to end", retryAfterSeconds: 10)
        case .all:
            InvokError(
                .noCapacity, "the server is busy with other uploads", nextStep: "try again in a moment",
                retryAfterSeconds: 10)
        }
    }
}

/// One archive that is received.
public final class Upload: Sendable {
    private let namespace: Namespace
    private let file: any SpoolFile
    private let uploads: Uploads
    /// Bytes that the budget knows of, also those that could not be written.
    private let bytes = Mutex(0)
    private let isClosed = Mutex(false)

    fileprivate init(of namespace: Namespace, file: any SpoolFile, uploads: Uploads) {
        self.namespace = namespace
        self.file = file
        self.uploads = uploads
    }

    deinit { close() }

    /// Nothing is written any more: its part of what all may have is free. Does nothing a second time.
    public func close() {
        let isFirst = isClosed.withLock { isClosed in
            defer { isClosed = true }
            return !isClosed
        }
        if isFirst { uploads.close(namespace, bytes: bytes.withLock { $0 }) }
    }

    /// Takes the next bytes.
    /// - Throws: `too_many_requests`, `no_capacity`, `storage_full`, `unavailable`.
    public func append(_ bytes: [UInt8]) async throws(InvokError) {
        try uploads.count(bytes.count, of: namespace)
        self.bytes.withLock { $0 += bytes.count }
        do throws(SpoolError) { try await file.append(bytes) } catch { throw InvokError(error) }
    }

    /// What has come, to be read once all is there.
    public var archive: any ByteSource { file }
}
