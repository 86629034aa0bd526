import Invok
import InvokSim
import Synchronization

/// A tenant that does mischief, by the same way in as everybody else, for as long as users work.
final class SimOffender: Sendable {
    /// What it has of each kind of function.
    private static let functions = 5
    /// How long it waits before it begins again.
    private static let pause = Duration.seconds(40)
    /// What it asks for at once.
    private static let calls = 100
    private static let deploys = 120
    private static let floods = 12
    private static let floodPause = Duration.milliseconds(250)
    /// For how long it goes on sending.
    private static let patience = Duration.seconds(60)
    /// What an upload may be refused with that is never made into a version.
    private static let refusals: Set<InvokError.Code> = [
        .invalidRequest, .invalidArchive, .invalidConfig, .payloadTooLarge, .tooManyRequests, .noCapacity, .unavailable,
        .storageFull,
    ]

    private let mischief: SimMischief
    private let cluster: SimCluster
    private let isRunning = Mutex(false)

    init(_ mischief: SimMischief, cluster: SimCluster) {
        self.mischief = mischief
        self.cluster = cluster
    }

    var isIdle: Bool { isRunning.withLock { !$0 } }

    /// Works until users stop and what it has begun is answered.
    func run() async {
        isRunning.withLock { $0 = true }
        defer { isRunning.withLock { $0 = false } }
        guard let account = await cluster.signUp("offender \(mischief.rawValue)") else { return }
        var random = cluster.random("offender \(mischief.rawValue)")
        var serial = 0
        while cluster.usersWork {
            serial += 1
            let front = await cluster.front(&random)
            cluster.checker.mark("mischief \(mischief.rawValue)")
            await act(account, front, serial, &random)
            await cluster.rest(random.duration(below: Self.pause))
        }
    }

    private func act(
        _ account: SimCluster.Account, _ front: SimFront, _ serial: Int, _ random: inout SimGenerator
    ) async {
        switch mischief {
        case .coldStarts:
            let keys = await own(account, front, [.readyOnce], maximum: 20)
            // Until what was tried has gone.
            await cluster.rest(.seconds(10))
            await call(keys, account.token, times: Self.calls / Self.functions, front)
        case .failingMinimum: _ = await own(account, front, [.readyOnce], minimum: 5, maximum: 5)
        case .hoard: await hoard(account, front)
        case .deployFlood:
            // Most of them at once would be more than the spool takes.
            await deploy(Self.deploys, account, front, .hello(delay: .zero), serial, padding: 3000)
        case .hostileArchives: await upload(account, front, &random)
        case .sleepyBuilds:
            await deploy(Self.functions, account, front, .sleepsInBuild(Self.patience), serial)
        case .fullBuilds: await deploy(Self.functions, account, front, .fillsDisk, serial)
        case .endlessUploads: await trickle(account, front)
        case .slowCallers: await dawdle(account, front)
        case .callFlood:
            let keys = await own(account, front, [.hello(delay: .zero)], count: 1, access: .public)
            await call(keys, nil, times: Self.calls, front)
        case .endlessLoops:
            await call(await own(account, front, [.hangs], maximum: 4), account.token, times: 4, front)
        case .brokenAnswers:
            let keys = await own(account, front, [.refuses, .breaksOff, .dies], maximum: 4)
            await call(keys, account.token, times: 10, front)
        case .strangerFlood: await flood(front, &random)
        case .chatter:
            await call(await own(account, front, [.chatters(lines: 50)]), account.token, times: 2, front)
        }
    }

    // MARK: Deploys

    private func key(_ number: Int, _ account: SimCluster.Account) -> FunctionKey? {
        let name = try? FunctionName("mischief-\(number)")
        return name.map { FunctionKey(namespace: account.namespace, name: $0) }
    }

    /// Functions of these kinds, in turns, which are deployed once more where they are not yet.
    private func own(
        _ account: SimCluster.Account, _ front: SimFront, _ kinds: [SimCode.Kind], count: Int = functions,
        minimum: Int = 0, maximum: Int = 1, access: Access? = nil
    ) async -> [FunctionKey] {
        var limits = LimitsConfig()
        limits.concurrency = 1
        (limits.minInstances, limits.maxInstances, limits.idleSeconds) = (minimum, maximum, 1)
        let keys = (1...count).compactMap { key($0, account) }
        let stored = cluster.store.contents.functions
        if keys.contains(where: { stored[$0]?.activeVersion == nil }) {
            await deploy(count, account, front, access: access) { [limits] number in
                SimCode(kind: kinds[number % kinds.count], tag: "mischief \(number)", limits: limits)
            }
        }
        return keys
    }

    /// Deploys so much at once, each another archive.
    private func deploy(
        _ count: Int, _ account: SimCluster.Account, _ front: SimFront, _ kind: SimCode.Kind, _ serial: Int,
        padding: Int = 0
    ) async {
        let padding = String(repeating: "x", count: padding)
        await deploy(count, account, front) { number in
            SimCode(kind: kind, tag: "\(serial) \(number)\(padding)", limits: LimitsConfig())
        }
    }

    /// Deploys so much at once. Whether it succeeds is the offender's affair.
    private func deploy(
        _ count: Int, _ account: SimCluster.Account, _ front: SimFront, access: Access? = nil,
        _ code: @escaping @Sendable (Int) -> SimCode
    ) async {
        await withDiscardingTaskGroup { group in
            for number in 1...count {
                guard let key = key(1 + (number - 1) % cluster.functionQuota, account) else { continue }
                let archive = code(number).archive(for: key)
                group.addTask { [self] in
                    note(await front.deploy(archive, name: key.name, access: access, token: account.token))
                }
            }
        }
    }

    private func hoard(_ account: SimCluster.Account, _ front: SimFront) async {
        var limits = LimitsConfig()
        (limits.minInstances, limits.maxInstances) = (5, 5)
        for number in 1...cluster.functionQuota + 1 {
            guard cluster.usersWork, let key = key(number, account) else { return }
            let code = SimCode(kind: .hello(delay: .zero), tag: "hoard", limits: limits)
            let outcome = await front.deploy(code.archive(for: key), name: key.name, token: account.token)
            note(outcome)
            if case .failure(let error)? = outcome, error.code == .quotaExceeded { return }
        }
    }

    /// Sends all that no honest tool makes, at once.
    private func upload(_ account: SimCluster.Account, _ front: SimFront, _ random: inout SimGenerator) async {
        guard let key = key(1, account) else { return }
        let archives = SimHostileArchive.allCases.map { ($0, $0.bytes(for: key, &random)) }
        await withDiscardingTaskGroup { group in
            for (kind, archive) in archives {
                group.addTask { [self] in
                    let outcome = await front.deploy(archive, name: key.name, token: account.token)
                    note(outcome)
                    switch outcome {
                    case .success?: cluster.checker.violation("an archive with \(kind) was deployed")
                    case .failure(let error)?:
                        cluster.checker.require(
                            Self.refusals.contains(error.code), "an archive with \(kind) was refused with \(error.code)"
                        )
                    case nil: break
                    }
                }
            }
        }
    }

    /// Sends archives of which a piece comes each second, and goes away before they are whole.
    private func trickle(_ account: SimCluster.Account, _ front: SimFront) async {
        let code = SimCode(
            kind: .hello(delay: .zero), tag: String(repeating: "x", count: 4096), limits: LimitsConfig())
        await atOnce(account) { [self] key in
            await front.deploy(code.archive(for: key), name: key.name, token: account.token, pace: pace)
        }
    }

    // MARK: Calls

    /// Calls all at once, each so many times.
    private func call(_ keys: [FunctionKey], _ token: String?, times: Int, _ front: SimFront) async {
        await withDiscardingTaskGroup { group in
            for key in keys {
                for _ in 0..<times {
                    group.addTask { [self] in
                        let id = cluster.nextRequestID()
                        note(await front.invoke(key, token: token, requestID: id, sink: SimSink()))
                    }
                }
            }
        }
    }

    /// Calls whose bodies come in pieces, one each second, and whose answers are taken so.
    private func dawdle(_ account: SimCluster.Account, _ front: SimFront) async {
        _ = await own(account, front, [.echo, .huge(10_000_000)])
        await atOnce(account) { [self] key in
            await front.invoke(
                key, token: account.token, body: Array(repeating: UInt8(ascii: "x"), count: 2048),
                requestID: cluster.nextRequestID(), sink: SimSink(), pace: pace)
        }
    }

    /// Calls somebody else's public function from one address. No more of it may get through than the function's limit, and
    /// what does not costs its owner nothing, who is served meanwhile.
    private func flood(_ front: SimFront, _ random: inout SimGenerator) async {
        let functions = cluster.store.contents.functions
        let victims = cluster.accounts.flatMap { account in
            functions.filter { $0.key.namespace == account.namespace && $0.value.access == .public }.keys.sorted()
                .map { (key: $0, token: account.token) }
        }
        guard !victims.isEmpty else { return }
        let (key, token) = victims[random.below(victims.count)]
        cluster.checker.mark("stranger floods")
        let stranger = front.from("198.51.100.1")
        cluster.checker.callBegins(key)
        defer { cluster.checker.callEnds(key) }
        let began = cluster.clock.now()
        let (taken, time) = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<Self.floods {
                for _ in 0..<Self.calls / 2 {
                    group.addTask { [self] in
                        let id = cluster.nextRequestID()
                        let outcome = await stranger.invoke(key, token: nil, requestID: id, sink: SimSink())
                        note(outcome)
                        return Self.isTaken(outcome) ? 1 : 0
                    }
                }
                group.addTask { [self] in
                    let id = cluster.nextRequestID()
                    let outcome = await front.invoke(key, token: token, requestID: id, sink: SimSink())
                    if case .failure(let error)? = outcome, error.code == .tooManyRequests {
                        cluster.checker.violation("a stranger's flood takes \(key) from its owner: \(error.message)")
                    }
                    return 0
                }
                await cluster.sleep(Self.floodPause)
            }
            let time = began.duration(to: cluster.clock.now())
            return (await group.reduce(0, +), time)
        }
        // It begins with two seconds' worth, and the last calls were on their way for a moment.
        let limit = SimCode.ratePerCaller * (Int(time.components.seconds) + 4)
        cluster.checker.require(
            taken <= limit, "\(key) took \(taken) calls of one stranger in \(time); at most \(limit) may be")
    }

    /// Whether the function's owner has paid for it.
    private static func isTaken(_ outcome: SimFront.Outcome<Void>) -> Bool {
        switch outcome {
        case .success?: true
        case .failure(let error)?: [.noCapacity, .functionFailed, .functionTimeout].contains(error.code)
        case nil: false
        }
    }

    private var pace: SimConnection.Pace {
        SimConnection.Pace(pieceBytes: 16, pause: .seconds(1), clock: cluster.clock)
    }

    /// Sends something for each function, until it has no patience any more.
    private func atOnce<Value: Sendable>(
        _ account: SimCluster.Account, _ send: @escaping @Sendable (FunctionKey) async -> SimFront.Outcome<Value>
    ) async {
        await withDiscardingTaskGroup { group in
            for key in (1...Self.functions).compactMap({ key($0, account) }) {
                group.addTask { [self] in
                    note(await cluster.abandoning(after: Self.patience) { await send(key) }.value)
                }
            }
        }
    }

    /// Counts what it was told; whatever it does, nothing breaks.
    private func note<Value>(_ outcome: SimFront.Outcome<Value>) {
        guard case .failure(let error)? = outcome else { return }
        cluster.checker.mark("mischief refused with \(error.code.rawValue)")
        cluster.checker.require(error.code != .internal, "mischief \(mischief.rawValue): \(error.message)")
    }
}
