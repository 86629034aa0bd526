import Invok

/// What functions were asked and have sent, byte for byte, by the identifier that the core gives to each request: what the
/// answers that clients get are held against.
///
/// Used on the simulation's thread only.
package final class SimLedger: @unchecked Sendable {
    /// One request as an instance got it, and its answer as it was sent.
    package final class Entry {
        package let function: FunctionKey
        package let method: String
        /// The fields of the request, in their order.
        package let requestFields: [(name: String, value: String)]
        /// Whether the connection had carried an exchange before.
        package let isReused: Bool
        /// What came of the request's body.
        package internal(set) var requestBody: [UInt8] = []
        package internal(set) var status: Int?
        package internal(set) var fields: [(name: String, value: String)] = []
        /// Without any coding.
        package internal(set) var body: [UInt8] = []
        package internal(set) var trailers: [(name: String, value: String)] = []
        /// Whether all of the answer was sent.
        package internal(set) var isWhole = false
        /// Whether only the connection's end ends the answer, so that nobody can tell a part from the whole.
        package internal(set) var endsWithConnection = false
        /// Whether the connection ended before the answer was whole.
        package internal(set) var isBroken = false
        /// Whether the instance ended it by a reset, which says that the answer is not whole.
        package internal(set) var isReset = false

        init(
            _ function: FunctionKey, method: String, fields: [(name: String, value: String)], isReused: Bool
        ) {
            self.function = function
            self.method = method
            requestFields = fields
            self.isReused = isReused
        }

        fileprivate func forget() { (body, fields) = ([], []) }
    }

    private var entries: [String: [Entry]] = [:]
    /// What must hold, and what is wrong where it does not.
    private let require: (Bool, String) -> Void

    package init(require: @escaping (Bool, String) -> Void) { self.require = require }

    /// Methods of requests of which doing one twice is the same as doing it once (RFC 9110 §9.2.2).
    private static let idempotent: Set<String> = ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"]

    /// A request has reached an instance. It may reach a second one where the first had closed a connection that was kept,
    /// unanswered, if doing it twice is the same and nothing of its body was sent.
    /// - Returns: whether it is the first time.
    func add(_ entry: Entry, of id: String) -> Bool {
        defer { entries[id, default: []].append(entry) }
        guard let before = entries[id] else { return true }
        for other in before {
            require(
                other.isBroken && other.isReused && Self.idempotent.contains(other.method) && other.requestBody.isEmpty,
                "the request \(id), \(other.method) of \(other.function), reached an instance twice")
        }
        return false
    }

    /// What was sent for a request, in the order of its arrivals.
    package func entries(of id: String) -> [Entry] { entries[id] ?? [] }

    /// Forgets the bytes that nobody asks for any more; that the request came is not forgotten.
    package func forget(_ id: String) {
        for entry in entries[id] ?? [] { entry.forget() }
    }
}
