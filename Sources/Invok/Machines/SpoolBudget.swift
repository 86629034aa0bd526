/// Counting semaphores without a queue, for what is in the spool: so many files and bytes in all, and of one owner.
struct SpoolBudget<Owner: Hashable & Sendable>: Sendable {
    struct Limits: Hashable, Sendable {
        var files: Int
        var filesPerOwner: Int
        var bytes: Int
        var bytesPerOwner: Int
    }

    /// Why there is no room.
    enum Refusal: Error, Hashable, Sendable {
        /// The owner has as much as one may have.
        case own
        /// All together have as much as there is room for.
        case all
    }

    private struct Held {
        var files = 0
        var bytes = 0
    }

    private let limits: Limits
    private var held: [Owner: Held] = [:]
    private(set) var files = 0
    private(set) var bytes = 0

    init(_ limits: Limits) { self.limits = limits }

    /// Counts one more file; give it back with `close`.
    mutating func open(_ owner: Owner) throws(Refusal) {
        let own = held[owner, default: Held()].files
        guard own < limits.filesPerOwner else { throw .own }
        guard files < limits.files else { throw .all }
        held[owner, default: Held()].files = own + 1
        files += 1
    }

    /// Counts bytes of a file that was opened.
    mutating func add(_ count: Int, of owner: Owner) throws(Refusal) {
        let own = held[owner, default: Held()].bytes
        guard own + count <= limits.bytesPerOwner else { throw .own }
        guard bytes + count <= limits.bytes else { throw .all }
        held[owner, default: Held()].bytes = own + count
        bytes += count
    }

    /// A file has gone, and its bytes with it.
    mutating func close(_ owner: Owner, bytes count: Int) {
        guard var own = held[owner], own.files > 0, own.bytes >= count else {
            return assertionFailure("a file of \(owner) was given back twice")
        }
        own.files -= 1
        own.bytes -= count
        held[owner] = own.files == 0 ? nil : own
        files -= 1
        bytes -= count
    }
}
