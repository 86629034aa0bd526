/// Counts of calls by function, for a bounded number of functions: those of more are counted together.
package struct CallTable: Sendable {
    private let limit: Int
    private var places: [FunctionKey: Int] = [:]
    private(set) var functions: [(key: FunctionKey, counts: CallCounts)] = []
    /// Calls of functions beyond the limit.
    private(set) var others: CallCounts?
    /// Requests that were let in to no function.
    private(set) var strays: CallCounts?

    /// - Parameter limit: how many functions are told apart.
    init(limit: Int) { self.limit = limit }

    var isEmpty: Bool { functions.isEmpty && others == nil && strays == nil }

    /// Where a function's calls are counted here, making a place for it if there is room.
    /// - Returns: `nil` for a function that is counted with others.
    mutating func place(of key: FunctionKey) -> Int? {
        if let place = places[key] { return place }
        guard functions.count < limit else { return nil }
        places[key] = functions.count
        functions.append((key, CallCounts()))
        return functions.count - 1
    }

    /// - Parameter place: what `place(of:)` has returned.
    mutating func record(_ call: CallRecord, at place: Int?) {
        if let place { return functions[place].counts.record(call) }
        others = others ?? CallCounts()
        others?.record(call)
    }

    mutating func recordStray(_ call: CallRecord) {
        strays = strays ?? CallCounts()
        strays?.record(call)
    }
}
