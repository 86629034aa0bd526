import Synchronization

/// What the invoke path must know of a function.
struct Route: Hashable, Sendable {
    let access: Access
    /// Without its build log: there are many routes, and nobody reads it here.
    let version: Version

    init(access: Access, version: Version) {
        self.access = access
        var version = version
        version.buildLog = ""
        self.version = version
    }
}

/// The functions that answer, in memory: the warm path asks no store.
///
/// The store is the truth. A change made here is put in at once; one made elsewhere is read again when it is told of.
final class Directory: Sendable {
    private struct Entry {
        var route: Route?
        /// Grows with each change, so that an older reading of the store is not taken for a newer one.
        var epoch: UInt64 = 0
    }

    private let store: any MetadataStore
    private let dispatcher: Dispatcher
    private let entries = Mutex<[FunctionKey: Entry]>([:])

    init(store: any MetadataStore, dispatcher: Dispatcher) {
        self.store = store
        self.dispatcher = dispatcher
    }

    /// The route, read from the store when it is not known yet.
    /// - Returns: `nil` when the function does not exist or has never been ready.
    func route(_ key: FunctionKey) async throws(StoreError) -> Route? {
        if let route = known(key) { return route }
        return try await refresh(key)
    }

    func known(_ key: FunctionKey) -> Route? { entries.withLock { $0[key]?.route } }

    /// The functions that are known to answer.
    var keys: [FunctionKey] { entries.withLock { $0.filter { $0.value.route != nil }.keys.sorted() } }

    var knowsFunctions: Bool { entries.withLock { $0.values.contains { $0.route != nil } } }

    /// How many names it remembers, also of functions that were deleted.
    var rememberedCount: Int { entries.withLock { $0.count } }

    /// Puts in what the store has just acknowledged, and lets what runs follow.
    func set(_ key: FunctionKey, _ route: Route?) {
        entries.withLock { put(route, for: key, &$0) }
    }

    /// Called within the lock, so that two changes reach the dispatcher in their order.
    private func put(_ route: Route?, for key: FunctionKey, _ entries: inout [FunctionKey: Entry]) {
        let old = entries[key]
        entries[key] = Entry(route: route, epoch: (old?.epoch ?? 0) + 1)
        // Also when it is not new: what is active takes requests, whatever happened to its pool.
        if let route { dispatcher.open(route.version) }
        // What was not known has nothing to retire, and at the start that is all there is.
        if let old, old.route != route { dispatcher.retire(key, except: route?.version.key.number) }
    }

    /// Reads the function again.
    @discardableResult
    func refresh(_ key: FunctionKey) async throws(StoreError) -> Route? {
        while true {
            let epoch = entries.withLock { $0[key]?.epoch }
            let route = try await read(key)
            let isCurrent = entries.withLock { entries in
                guard entries[key]?.epoch == epoch else { return false }
                // What never existed leaves no trace, or guesses at names would fill the memory.
                if route != nil || epoch != nil { put(route, for: key, &entries) }
                return true
            }
            if isCurrent { return route }
        }
    }

    /// Reads all functions again, by one call however many there are, and one more for each that changes meanwhile.
    func refreshAll() async throws(StoreError) {
        let before = entries.withLock { $0.mapValues(\.epoch) }
        var routes: [FunctionKey: Route] = [:]
        for record in try await store.activeFunctions() {
            routes[record.function.key] = record.active.map { Route(access: record.function.access, version: $0) }
        }
        for key in Set(routes.keys).union(keys).sorted() {
            let isCurrent = entries.withLock { entries in
                guard entries[key]?.epoch == before[key] else { return false }
                put(routes[key], for: key, &entries)
                return true
            }
            if !isCurrent { try await refresh(key) }
        }
    }

    private func read(_ key: FunctionKey) async throws(StoreError) -> Route? {
        guard let function = try await store.function(key), let number = function.activeVersion else { return nil }
        guard let version = try await store.version(VersionKey(function: key, number: number)) else { return nil }
        return Route(access: function.access, version: version)
    }
}
