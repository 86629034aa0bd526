import Invok
import Synchronization

/// Watches a run from outside: what the store commits, what engines start, what clients are told.
final class SimChecker: Sendable {
    /// When a version of a function was the active one.
    private struct Span {
        let number: Int
        let since: Instant
        var until: Instant?
    }

    private struct State {
        var violations: [String] = []
        var spans: [FunctionKey: [Span]] = [:]
        var ready: [VersionKey: Version] = [:]
        var tags: [Digest: String] = [:]
        var artifacts: [VersionKey: Digest] = [:]
        var marks: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let clock: SimClock
    /// How long a core may believe in what another core has changed; `nil` while stores and caches may fail.
    private let staleness: Duration?

    init(clock: SimClock, staleness: Duration?) {
        self.clock = clock
        self.staleness = staleness
    }

    var holds: Bool { state.withLock { $0.violations.isEmpty } }
    var violations: [String] { state.withLock { $0.violations } }
    var marks: [String: Int] { state.withLock { $0.marks } }

    func violation(_ text: String) {
        let seconds = Double(clock.now().nanoseconds) / 1e9
        state.withLock { $0.violations.append("at \(seconds) s: \(text)") }
    }

    /// Counts that the run came by here.
    func mark(_ name: String) { state.withLock { $0.marks[name, default: 0] += 1 } }

    func require(_ holds: Bool, _ text: @autoclosure () -> String) {
        if !holds { violation(text()) }
    }

    // MARK: The store

    /// The active version is always a ready one, ready versions never change, and numbers are never used again.
    func onCommit(_ tables: SimTables) {
        let now = clock.now()
        var broken: [String] = []
        state.withLock { state in
            for version in tables.allVersions { Self.check(version, &state, &broken) }
            for key in Set(tables.functions.keys).union(state.spans.keys) {
                let active = tables.functions[key]?.activeVersion
                if let active, tables.versions[key]?[active]?.bundle == nil {
                    broken.append("the active version \(key)@\(active) is not ready")
                }
                Self.note(active, of: key, now, &state)
            }
        }
        for text in broken { violation(text) }
    }

    private static func check(_ version: Version, _ state: inout State, _ broken: inout [String]) {
        state.artifacts[version.key] = version.artifact
        if let known = state.ready[version.key] {
            if known != version { broken.append("the ready version \(version.key) was changed") }
        } else {
            if version.bundle != nil { state.ready[version.key] = version }
        }
    }

    private static func note(_ active: Int?, of key: FunctionKey, _ now: Instant, _ state: inout State) {
        var spans = state.spans[key, default: []]
        let open = spans.last.flatMap { $0.until == nil ? $0.number : nil }
        guard open != active else { return }
        if open != nil { spans[spans.count - 1].until = now }
        if let active { spans.append(Span(number: active, since: now)) }
        state.spans[key] = spans
    }

    // MARK: Answers

    /// Says which tag an archive's function answers with.
    func expect(_ tag: String, of archive: [UInt8]) {
        let digest = Digest(of: archive)
        state.withLock { $0.tags[digest] = tag }
    }

    /// An answer comes from the function that was asked, and from a version that was active while it was asked.
    func onAnswer(_ tag: String, namespace: String?, version: String?, to key: FunctionKey, since: Instant) {
        guard namespace == key.namespace.description else {
            violation("\(key) was asked, but the namespace \(namespace ?? "?") answered")
            return
        }
        guard let number = version.flatMap({ Int($0) }) else {
            violation("\(key) answered without a version")
            return
        }
        let version = VersionKey(function: key, number: number)
        let (expected, isActive) = state.withLock { state in
            (
                state.artifacts[version].flatMap { state.tags[$0] },
                Self.wasActive(version, since: since, staleness, state.spans[key, default: []])
            )
        }
        require(tag == expected, "\(version) answered '\(tag)' instead of '\(expected ?? "nothing")'")
        require(isActive, "\(version) answered, but was not active then")
    }

    private static func wasActive(_ version: VersionKey, since: Instant, _ staleness: Duration?, _ spans: [Span])
        -> Bool
    {
        spans.contains { span in
            guard span.number == version.number else { return false }
            guard let staleness, let until = span.until else { return true }
            return until.advanced(by: staleness) >= since
        }
    }

    // MARK: Instances

    func onStart(_ spec: InstanceSpec, running: Int) {
        require(
            running <= spec.settings.limits.maxInstances,
            "\(spec.version) runs \(running) instances; \(spec.settings.limits.maxInstances) are allowed")
    }
}
