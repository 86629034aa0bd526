import Invok
import InvokSim
import Synchronization

/// Watches a run from outside: what the store commits, what engines start, what clients are told.
final class SimChecker: SimObserver {
    /// How long a core may believe in what another core has changed, while nothing is disturbed: a message goes over, and
    /// the store is read.
    static let staleness = Duration.seconds(2)

    /// How long after a deploy has failed the last instance that was begun for it may start.
    static let startsAfterFailure = Duration.seconds(60)

    /// How long a core may go on sending requests to an instance after it was told of its end.
    static let exitNotice = Duration.milliseconds(100)

    /// How long a call of a function that works takes at most while nothing is out of order, whatever other tenants do;
    /// and what needs a build too, such as a deploy. Found by measuring.
    static let callLimit = Duration.seconds(12)
    static let buildLimit = Duration.seconds(24)

    /// How long after a core has found room on its disk it may still begin a version: the store may hang.
    static let roomNotice = Duration.seconds(20)

    /// What an invocation was answered with.
    struct Answer {
        var status: Int
        var body: [UInt8]
        var namespace: String?
        var version: String?
    }

    /// What the store shows of a function to those who call it.
    private struct Shown: Equatable {
        let active: Int
        let access: Access
    }

    private struct State {
        var violations: [String] = []
        var shown: [FunctionKey: SimTimeline<Shown?>] = [:]
        /// As they are stored.
        var versions: [VersionKey: Version] = [:]
        /// What they run with.
        var settings: [VersionKey: VersionSettings] = [:]
        var ready: [FunctionKey: [Int]] = [:]
        var codes: [Digest: SimCode] = [:]
        var failed: [VersionKey: Instant] = [:]
        var requests: Set<String> = []
        var refusals: [String: Int] = [:]
        var marks: [String: Int] = [:]
        /// When each core began.
        var boots: [String: Instant] = [:]
        /// Calls that go on.
        var calls: [FunctionKey: Int] = [:]
        /// Those of the machines, by their names.
        var disks: [String: SimDisk] = [:]
        var secrets: [SecretKey: SimTimeline<String?>] = [:]
    }

    private let state = Mutex(State())
    let clock: SimClock
    /// Whether what a version is built from is kept.
    private let isKept: @Sendable (Version) -> Bool
    let sealer: EnvironmentSealer
    /// What each machine has for instances, and what a user may have of it.
    private let capacity: Resources
    private let quota: Quota

    init(
        clock: SimClock, capacity: Resources = Resources(), quota: Quota = Quota(),
        sealer: EnvironmentSealer = EnvironmentSealer(key: .simulated, randomness: SimRandomness(seed: 0)),
        isKept: @escaping @Sendable (Version) -> Bool = { _ in true }
    ) {
        self.clock = clock
        self.sealer = sealer
        self.capacity = capacity
        self.quota = quota
        self.isKept = isKept
    }

    var holds: Bool { state.withLock { $0.violations.isEmpty } }
    var violations: [String] { state.withLock { $0.violations } }
    var marks: [String: Int] { state.withLock { $0.marks } }

    func violation(_ text: String) {
        let seconds = Double(clock.now().nanoseconds) / 1e9
        state.withLock { $0.violations.append("at \(seconds) s: \(text)") }
    }

    func watch(_ disk: SimDisk, of machine: String) { state.withLock { $0.disks[machine] = disk } }

    /// The disk of the machine that a core runs on.
    func disk(of core: String) -> SimDisk? {
        state.withLock { $0.disks[String(core.prefix { $0 != "." })] }
    }

    /// Counts that the run came by here.
    package func mark(_ name: String) { state.withLock { $0.marks[name, default: 0] += 1 } }

    package func require(_ holds: Bool, _ text: @autoclosure () -> String) {
        if !holds { violation(text()) }
    }

    // MARK: The store

    /// The active version is always a ready one of which all is kept, ready versions never change, a deploy does not take
    /// the place of a newer one, no environment lies open in the store or could be another function's, and no version is
    /// begun by a core that has long had hardly anything free on its disk.
    /// - Returns: whether those who call the function see a change.
    @discardableResult
    func onCommit(_ key: FunctionKey, _ tables: SimTables) -> Bool {
        let now = clock.now()
        var broken: [String] = []
        let shortage = SimCore.current.flatMap { disk(of: $0.name)?.shortSince }.map { $0.duration(to: now) }
        let isShown = state.withLock { state in
            let function = tables.functions[key]
            let versions = tables.versions[key] ?? [:]
            let before = (state.shown[key]?.last ?? nil)?.active
            state.ready[key]?.removeAll { versions[$0] == nil }
            for version in versions.values {
                if state.versions[version.key] == nil, let shortage, shortage > Self.roomNotice {
                    broken.append("\(version.key) was begun on a disk that has been nearly full for \(shortage)")
                }
                note(version, activeBefore: before, &state, &broken)
                if case .failed = version.state, state.failed[version.key] == nil { state.failed[version.key] = now }
            }
            var shown: Shown?
            if let function, let number = function.activeVersion {
                shown = Shown(active: number, access: function.access)
                if before != number { check(versions[number], "\(key)@\(number)", &broken) }
            }
            return state.shown[key, default: SimTimeline(nil)].set(shown, at: now)
        }
        for text in broken { violation(text) }
        return isShown
    }

    private func check(_ active: Version?, _ name: String, _ broken: inout [String]) {
        guard let active, active.bundle != nil else {
            broken.append("the active version \(name) is not ready")
            return
        }
        if !isKept(active) { broken.append("\(name) became active, but its archive is gone") }
    }

    private func note(
        _ version: Version, activeBefore: Int?, _ state: inout State, _ broken: inout [String]
    ) {
        let key = version.key
        let known = state.versions.updateValue(version, forKey: key)
        guard known != version else { return }
        if version.settings.environment != .empty { broken.append("the environment of \(key) is not sealed") }
        if let settings = sealer.open(version.settings, of: key.function) {
            state.settings[key] = settings
        } else {
            broken.append("the environment of \(key) cannot be opened")
        }
        if let known, known.bundle != nil { broken.append("the ready version \(key) was changed") }
        guard version.bundle != nil else { return }
        state.ready[key.function, default: []].append(key.number)
        state.ready[key.function]?.sort()
        if let activeBefore, activeBefore > key.number {
            broken.append("the deploy of \(key) took the place of @\(activeBefore), which is newer")
        }
    }

    /// The numbers of the versions that are ready, in their order.
    func readyVersions(of key: FunctionKey) -> [Int] { state.withLock { $0.ready[key] ?? [] } }

    /// What a version runs; `nil` when it has never been ready.
    func bundle(of version: VersionKey) -> BundleID? { state.withLock { $0.versions[version]?.bundle } }

    func settings(of version: VersionKey) -> VersionSettings? { state.withLock { $0.settings[version] } }

    // MARK: Secrets

    func note(_ key: SecretKey, _ value: String?) {
        let now = clock.now()
        state.withLock { _ = $0.secrets[key, default: SimTimeline(nil)].set(value, at: now) }
    }

    /// Whether a secret was of this kind at any time since.
    func held(_ key: SecretKey, since: Instant?, _ isWanted: (String?) -> Bool) -> Bool {
        state.withLock { state in (state.secrets[key] ?? SimTimeline(nil)).held(since: since, isWanted) }
    }

    // MARK: Code

    /// Says what an archive is made of.
    /// - Parameter archive: as it is kept.
    func expect(_ code: SimCode, of archive: [UInt8]) {
        let digest = Digest(of: archive)
        state.withLock { $0.codes[digest] = code }
    }

    /// What a version is made of; `nil` when the store has never shown it.
    func code(of version: VersionKey) -> SimCode? {
        state.withLock { state in state.versions[version].flatMap { state.codes[$0.artifact] } }
    }

    /// Whether each version that is ready answers.
    func allCodeAnswers(of key: FunctionKey) -> Bool {
        readyVersions(of: key).allSatisfy { code(of: VersionKey(function: key, number: $0))?.answers == true }
    }

    // MARK: Answers

    /// An answer is what the function that was asked gives, in a version that was active while it was asked.
    /// - Parameter known: from when on the core that answered must have known.
    func onAnswer(
        _ answer: Answer, to key: FunctionKey, requestBody: [UInt8]?, known: Instant?
    ) {
        guard answer.namespace == key.namespace.description else {
            violation("\(key) was asked, but the namespace \(answer.namespace ?? "?") answered")
            return
        }
        guard let number = answer.version.flatMap({ Int($0) }) else {
            violation("\(key) answered without a version")
            return
        }
        let version = VersionKey(function: key, number: number)
        guard let code = code(of: version), let settings = settings(of: version) else {
            violation("\(version) answered, but there is no such version")
            return
        }
        let isRight =
            code.kind == .secret
            ? hadSecret(key, answer.body)
            : code.status == answer.status && code.answer(to: requestBody, settings: settings) == answer.body
        require(isRight, "\(version), which is \(code.kind), answered \(answer.status) \(Self.excerpt(answer.body))")
        let wasActive = held(key, since: known) { $0?.active == number }
        require(wasActive, "\(version) answered, but was not active then")
    }

    private static func excerpt(_ body: [UInt8]) -> String {
        "'\(String(decoding: body.prefix(120), as: UTF8.self))' of \(body.count) bytes"
    }

    /// Whether a function was open to everybody at any time since.
    func wasPublic(_ key: FunctionKey, since: Instant?) -> Bool { held(key, since: since) { $0?.access == .public } }

    /// Whether a function was private or not there at any time since.
    func wasClosed(_ key: FunctionKey, since: Instant?) -> Bool { held(key, since: since) { $0?.access != .public } }

    private func held(_ key: FunctionKey, since: Instant?, _ isWanted: (Shown?) -> Bool) -> Bool {
        state.withLock { state in (state.shown[key] ?? SimTimeline(nil)).held(since: since, isWanted) }
    }

    // MARK: Instances

    /// - Parameter machine: all that its machine runs then.
    func onStart(_ spec: InstanceSpec, machine: [InstanceSpec]) {
        let ofVersion = machine.filter { $0.version == spec.version }
        let newest = ofVersion.map(\.generation).max() ?? 0
        let running = ofVersion.count { $0.generation == newest }
        checkCapacity(of: machine)
        onSecrets(of: spec)
        let own = machine.count { $0.version.function.namespace == spec.version.function.namespace }
        require(own <= quota[.instances], "a machine runs \(own) instances of one user, with \(spec.id)")
        let most = spec.settings.limits.maxInstances
        // While some are replaced, one more.
        require(
            running <= most && ofVersion.count <= (running == ofVersion.count ? most : most + 1),
            "\(spec.version) runs \(ofVersion.count) instances; \(most) are allowed")
        guard let failed = state.withLock({ $0.failed[spec.version] }) else { return }
        let since = failed.duration(to: clock.now())
        require(since <= Self.startsAfterFailure, "an instance of \(spec.version) starts, which failed \(since) ago")
    }

    private func checkCapacity(of machine: [InstanceSpec]) {
        let memoryMB = machine.reduce(0) { $0 + $1.settings.limits.memoryMB }
        if machine.count >= capacity.instances || memoryMB > capacity.memoryMB - Limits.standard.memoryMB {
            mark("machine full")
        }
        require(
            machine.count <= capacity.instances && memoryMB <= capacity.memoryMB,
            "a machine runs \(machine.count) instances of \(memoryMB) MB, and has room for \(capacity)")
    }

    func onBoot(_ core: String) {
        let now = clock.now()
        state.withLock { $0.boots[core] = now }
    }

    /// A core that starts stops no healthy instance of an active version: one that it has only found, and that has not
    /// been idle for its time.
    func onStop(_ stop: SimStop) {
        guard stop.isHealthy, stop.isFound, let core = stop.core, let began = state.withLock({ $0.boots[core] }) else {
            return
        }
        let (version, limits) = (stop.spec.version, stop.spec.settings.limits)
        guard began.duration(to: clock.now()) < .seconds(limits.idleSeconds) else { return }
        let isWanted = !held(version.function, since: began) { $0?.active != version.number }
        require(!isWanted, "\(core) starts and stops \(stop.spec.id), a healthy instance of an active version")
    }

    /// An instance gets a request: each reaches one instance at most, and an instance no more than it takes.
    func onRequest(_ id: String?, to spec: InstanceSpec, inFlight: Int) {
        require(
            inFlight <= spec.settings.limits.concurrency,
            "\(spec.id) has \(inFlight) requests; \(spec.settings.limits.concurrency) are allowed")
        guard let id else { return violation("a request to \(spec.id) has no identifier") }
        let isNew = state.withLock { $0.requests.insert(id).inserted }
        require(isNew, "the request \(id) reached an instance twice")
    }

    /// No instance took a request: it may go to another one, but not for long to one whose end was told.
    func onRefusal(_ id: String?, by endpoint: InstanceEndpoint, late: Duration?) {
        if let id { state.withLock { $0.refusals[id, default: 0] += 1 } }
        guard let late else { return }
        require(late <= Self.exitNotice, "a request goes to \(endpoint), which was told to have ended \(late) ago")
    }

    /// A request failed by its function: then an instance took it, or more than one did not.
    func onFunctionFailed(_ id: String) {
        let isGivenUp = state.withLock { !$0.requests.contains(id) && $0.refusals[id] == 1 }
        require(!isGivenUp, "the request \(id) failed after one instance did not take it; none other was asked")
    }

    // MARK: Waiting

    func callBegins(_ key: FunctionKey) { state.withLock { $0.calls[key, default: 0] += 1 } }

    func callEnds(_ key: FunctionKey) { state.withLock { $0.calls[key, default: 0] -= 1 } }

    /// Whether nobody calls the function now: who does waits for no other caller.
    func isUncalled(_ key: FunctionKey) -> Bool { state.withLock { $0.calls[key, default: 0] == 0 } }

    /// Whatever others do, who asks for no more than is their due is served in time.
    /// - Parameter what: the kind of what was asked for.
    func onServed(_ what: String, _ subject: String, after time: Duration, within limit: Duration) {
        let bound = [1, 2, 4, 8, 16, 32].first { time <= .seconds($0) }
        mark("\(what) took \(bound.map { "up to \($0)" } ?? "more than 32") s")
        require(time <= limit, "\(what) of \(subject) took \(time), though nothing was out of order")
    }

    /// A call that memory answers asks no part that may hang or be slow: neither the store nor the cache, nor the engine,
    /// the builder or the spool.
    /// - Parameter what: what the call was.
    func onAnsweredFromMemory(_ what: String, asked: [String]) {
        mark("answered from memory")
        require(asked.isEmpty, "\(what) waited for \(asked)")
    }
}
