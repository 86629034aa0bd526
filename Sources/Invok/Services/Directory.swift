import InvokConcurrency
import Logging
import Synchronization

/// What the invoke path must know of a function. Every call of a warm function takes it out of the table, on all event
/// loops, so it is one reference: a copy counts one and not each of the many that a version has.
final class Route: Hashable, Sendable {
    let access: Access
    /// Without its build log: there are many routes, and nobody reads it here.
    let version: Version
    /// The function's, by which its instances are told from those to be replaced.
    let restarts: Int

    init(access: Access, version: Version, restarts: Int = 0) {
        self.access = access
        self.restarts = restarts
        var version = version
        version.buildLog = ""
        self.version = version
    }

    static func == (left: Route, right: Route) -> Bool {
        left === right || left.access == right.access && left.version == right.version
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(access)
        hasher.combine(version.key)
    }
}

/// The functions that answer, in memory: the routing table, which the warm path reads without asking the store.
///
/// The store is the truth: only what was read from it gets in, and never over anything that got in since the reading
/// began. Whoever changes a function in the store has it read again behind the change.
final class Directory: Sendable {
    private struct Entry {
        /// `nil` for a name that is being read, or is gone; it is forgotten when nobody reads it any more.
        var route: Route?
        /// The change that put it in or took it out.
        var change: UInt64 = 0
        var readers = 0
    }

    private struct State {
        var entries: [FunctionKey: Entry] = [:]
        var lastChange: UInt64 = 0
        /// Readings of all functions that go on.
        var listings = 0
        /// When the store may be asked again for a name that a stranger called.
        var nextSearch: Instant?

        mutating func endReading(_ key: FunctionKey) {
            entries[key]?.readers -= 1
            forget(key)
        }

        mutating func endListing() {
            listings -= 1
            for key in entries.keys { forget(key) }
        }

        /// What is gone is remembered only for those who may have read it before it went.
        private mutating func forget(_ key: FunctionKey) {
            guard listings == 0, let entry = entries[key], entry.route == nil, entry.readers == 0 else { return }
            entries[key] = nil
        }
    }

    /// Between two searches for names that nobody knows, whoever asks for them.
    static let searchInterval = Duration.seconds(1)
    /// Between two tries to read a change.
    static let retryInterval = Duration.seconds(1)
    /// Functions that are read again at a time; of more, the next reconciling learns.
    static let renewalLimit = 200

    private let store: any MetadataStore
    private let dispatcher: Dispatcher
    private let clock: any Clock
    private let logger: Logger
    private let state = Mutex(State())
    private let renewals = BackgroundFlights<FunctionKey>(limit: renewalLimit)
    private let searches = BackgroundFlights<FunctionKey>(limit: 1)

    init(store: any MetadataStore, dispatcher: Dispatcher, clock: any Clock, logger: Logger) {
        self.store = store
        self.dispatcher = dispatcher
        self.clock = clock
        self.logger = logger
    }

    // MARK: What is known

    func known(_ key: FunctionKey) -> Route? { state.withLock { $0.entries[key]?.route } }

    /// The functions that are known to answer.
    var keys: [FunctionKey] { state.withLock { $0.entries.filter { $0.value.route != nil }.keys.sorted() } }

    var knowsFunctions: Bool { state.withLock { $0.entries.values.contains { $0.route != nil } } }

    /// How many names it remembers, those that are being read and of which nothing is known included.
    var rememberedCount: Int { state.withLock { $0.entries.count } }

    /// The route, read from the store when it is not known: for callers who may know whether the function exists.
    /// - Returns: `nil` when the function does not exist or has never been ready.
    func route(_ key: FunctionKey) async throws(StoreError) -> Route? {
        if let route = known(key) { return route }
        return try await refresh(key)
    }

    // MARK: Reading

    /// Reads the function again. To be called behind every change of it, so that what was read before does not count.
    @discardableResult
    func refresh(_ key: FunctionKey) async throws(StoreError) -> Route? {
        state.withLock { $0.entries[key, default: Entry()].readers += 1 }
        defer { state.withLock { $0.endReading(key) } }
        while true {
            let since = state.withLock { $0.lastChange }
            let route = try await read(key)
            if put(route, for: key, since: since) { return route }
        }
    }

    /// Reads all functions again, by one call however many there are, and one more for each that changes meanwhile.
    /// - Parameter prepare: gets the versions that answer before any of them takes requests or starts its minimum.
    func refreshAll(opening prepare: ([Version]) -> Void = { _ in }) async throws(StoreError) {
        let since = state.withLock { state in
            state.listings += 1
            return state.lastChange
        }
        defer { state.withLock { $0.endListing() } }
        var routes: [FunctionKey: Route] = [:]
        for record in try await store.activeFunctions() {
            routes[record.function.key] = record.active.map {
                Route(access: record.function.access, version: $0, restarts: record.function.restarts)
            }
        }
        prepare(routes.sorted { $0.key < $1.key }.map(\.value.version))
        for key in Set(routes.keys).union(keys).sorted() {
            if !put(routes[key], for: key, since: since) { try await refresh(key) }
        }
    }

    /// Reads a function again that this core has changed. When the store does not answer, what the change has made of what
    /// is known goes in instead, since a change that is in the store is acknowledged and must not be answered as before;
    /// and it is read as soon as the store does.
    /// - Parameter made: what the change has made of what is known.
    func follow(_ key: FunctionKey, made: (Route?) -> Route?) async {
        do throws(StoreError) {
            try await refresh(key)
        } catch {
            renew(key)
            var isIn = false
            while !isIn {
                let since = state.withLock { $0.lastChange }
                isIn = put(made(known(key)), for: key, since: since)
            }
        }
    }

    /// Reads a function again in the background, until the store has answered.
    func renew(_ key: FunctionKey) { renewals.start(key) }

    /// Lets the store be asked in the background for a function that somebody without a right to it has called, since
    /// another core may have deployed it or opened it to all. That is one question a second, however many ask, and
    /// nobody waits for it, so that the time of an answer tells nothing.
    func search(_ key: FunctionKey) {
        let now = clock.now()
        let mayAsk = state.withLock { state in
            if let next = state.nextSearch, now < next { return false }
            state.nextSearch = now.advanced(by: Self.searchInterval)
            return true
        }
        if mayAsk { searches.start(key) }
    }

    /// Reads in the background what `renew` and `search` ask for, until the task is cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.renewals.run { await self.refreshUntilRead($0) } }
            group.addTask { await self.searches.run { _ = try? await self.refresh($0) } }
        }
    }

    private func refreshUntilRead(_ key: FunctionKey) async {
        while true {
            do throws(StoreError) {
                try await refresh(key)
                return
            } catch {
                logger.warning("a change was not read", metadata: ["function": "\(key)", "reason": "\(error)"])
            }
            do throws(CancellationError) {
                try await clock.sleep(until: clock.now().advanced(by: Self.retryInterval))
            } catch {
                return
            }
        }
    }

    private func read(_ key: FunctionKey) async throws(StoreError) -> Route? {
        guard let function = try await store.function(key), let number = function.activeVersion else { return nil }
        guard let version = try await store.version(VersionKey(function: key, number: number)) else { return nil }
        return Route(access: function.access, version: version, restarts: function.restarts)
    }

    /// Puts in what was read, in one lock with what the dispatcher does, so that two changes reach it in their order.
    /// - Returns: `false` when something got in since the reading began.
    private func put(_ route: Route?, for key: FunctionKey, since: UInt64) -> Bool {
        state.withLock { state in
            let entry = state.entries[key] ?? Entry()
            guard entry.change <= since else { return false }
            let old = entry.route
            state.lastChange += 1
            state.entries[key] = Entry(route: route, change: state.lastChange, readers: entry.readers)
            // Also when it is not new: what is active takes requests, whatever happened to its pool.
            if let route { dispatcher.open(route.version, generation: route.restarts) }
            // What was not known has nothing to retire, and at the start that is all there is. Nor has another access.
            if let old, old.version.key != route?.version.key {
                dispatcher.retire(key, except: route?.version.key.number)
            }
            return true
        }
    }
}
