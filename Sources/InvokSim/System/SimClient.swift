import HTTPTypes
import Invok
import Synchronization

/// A user: makes an account, then changes its functions and calls them at the same time.
final class SimClient: Sendable {
    private struct Account: Sendable {
        let token: String
        let namespace: Namespace
    }

    /// What code does once it is deployed.
    private enum Code: String, CaseIterable {
        case hello, slow, dies, hangs, doesNotStart, doesNotBuild

        var answers: Bool { self == .hello || self == .slow }
        var becomesActive: Bool { self != .doesNotStart && self != .doesNotBuild }
    }

    private let number: Int
    private let cluster: SimCluster
    private let functionNames: [FunctionName]
    private let isStopped = Mutex(false)
    private let running = Mutex(0)
    private let account = Mutex<Account?>(nil)
    private let models = Mutex<[SimFunctionModel]>([])
    private let requests = Mutex(0)
    private let serial = Mutex(0)
    /// Whether the active code of a version answers, by version.
    private let healthy = Mutex<[VersionKey: Bool]>([:])

    init(number: Int, functions: Int, cluster: SimCluster) {
        self.number = number
        self.cluster = cluster
        functionNames = (1...functions).compactMap { try? FunctionName("function-\($0)") }
    }

    var requestCount: Int { requests.withLock { $0 } }
    var functionModels: [SimFunctionModel] { models.withLock { $0 } }
    var isIdle: Bool { running.withLock { $0 == 0 } }
    private var checker: SimChecker { cluster.checker }

    func stop() { isStopped.withLock { $0 = true } }
    private var goesOn: Bool { !isStopped.withLock { $0 } }

    private func random(_ purpose: String) -> SimGenerator {
        SimRandomness(seed: cluster.seed).stream("client \(number) \(purpose)").generator
    }

    // MARK: Life

    /// Works until it is stopped and what it has begun is answered.
    func run() async {
        running.withLock { $0 += 1 }
        defer { running.withLock { $0 -= 1 } }
        guard let account = await signUp() else { return }
        self.account.withLock { $0 = account }
        let models = functionNames.map {
            SimFunctionModel(key: FunctionKey(namespace: account.namespace, name: $0))
        }
        self.models.withLock { $0 = models }
        await withDiscardingTaskGroup { group in
            for model in models {
                group.addTask { await self.own(model, account) }
                for visitor in 1...2 { group.addTask { await self.call(model, account, visitor) } }
            }
        }
    }

    /// A core that serves now; waits for one.
    private func front(_ random: inout SimGenerator) async -> SimFront {
        while true {
            let lives = cluster.nodes.compactMap(\.life)
            if !lives.isEmpty { return SimFront(life: lives[random.below(lives.count)]) }
            await cluster.sleep(.milliseconds(100))
        }
    }

    private func signUp() async -> Account? {
        var random = random("account")
        let email = "user\(number)@example.com"
        let password = "password of \(email)"
        while goesOn {
            let front = await front(&random)
            var session = await front.register(email: email, password: password)
            // An earlier try may have made the account.
            if case .failure(let error)? = session, error.code == .emailTaken {
                session = await front.login(email: email, password: password)
            }
            switch session {
            case .success(let session)?: return Account(token: session.token, namespace: session.user.uuid)
            case .failure(let error)?: judge(error, "sign up", allowed: [])
            case nil: break
            }
            await cluster.sleep(.milliseconds(500))
        }
        return nil
    }

    /// An error that only a fault explains is a violation where there are none; some are one always.
    private func judge(_ error: InvokError, _ what: String, allowed: Set<InvokError.Code>) {
        checker.mark("error \(error.code.rawValue)")
        if allowed.contains(error.code) { return }
        let fromFaults: Set<InvokError.Code> = [
            .unavailable, .conflict, .deployInProgress, .startFailed, .noCapacity, .functionFailed, .functionTimeout,
        ]
        let isExplained = cluster.isDisturbed && fromFaults.contains(error.code)
        checker.require(isExplained, "\(what): \(error.code.rawValue): \(error.message) (\(error.inner ?? ""))")
    }

    // MARK: Changing functions

    private func own(_ model: SimFunctionModel, _ account: Account) async {
        var random = random("owner \(model.key.name)")
        while goesOn {
            await cluster.sleep(random.duration(below: .seconds(20)))
            guard goesOn else { return }
            let front = await front(&random)
            switch random.below(20) {
            case 0..<11: await deploy(model, account, front, &random)
            case 11..<15: await rollBack(model, account, front)
            case 15: await delete(model, account, front)
            case 16: await readLogs(model, account, front)
            default: await list(model, account, front)
            }
        }
    }

    private func deploy(
        _ model: SimFunctionModel, _ account: Account, _ front: SimFront, _ random: inout SimGenerator
    ) async {
        let pick = random.below(40)
        let code = pick < Code.allCases.count ? Code.allCases[pick] : pick.isMultiple(of: 3) ? .slow : .hello
        let (tag, archive) = archive(for: model.key, code, slow: 10 + random.below(900))
        checker.expect(tag, of: archive)
        model.begin(isHealthy: code.answers || !code.becomesActive)
        let result = await front.deploy(archive, name: model.key.name, token: account.token)
        if case .success(let deployment)? = result {
            let key = VersionKey(function: model.key, number: deployment.version)
            checker.require(code.becomesActive, "\(key) became active, but it \(code)")
            healthy.withLock { $0[key] = code.answers }
        }
        let allowed: Set<InvokError.Code> =
            code == .doesNotBuild ? [.buildFailed] : code == .doesNotStart ? [.startFailed] : []
        settle(model, result, "deploy", allowed: allowed)
    }

    private func archive(for key: FunctionKey, _ code: Code, slow: Int) -> (tag: String, bytes: [UInt8]) {
        let serial = serial.withLock { serial in
            serial += 1
            return serial
        }
        let tag = "\(key) \(serial)"
        let directive =
            switch code {
            case .hello: "hello \(tag)"
            case .slow: "slow \(slow)\n# sim: hello \(tag)"
            case .dies: "exit-on-request"
            case .hangs: "hang"
            case .doesNotStart: "crash"
            case .doesNotBuild: "build-error it is broken"
            }
        let limits = #"{"timeoutSeconds":5,"concurrency":2,"maxInstances":3,"idleSeconds":10}"#
        var zip = ZipWriter()
        zip.add(
            "config.json",
            content: Array(#"{"function_name":"\#(key.name)","runtime":"python","limits":\#(limits)}"#.utf8))
        zip.add("function.py", content: Array("# sim: log \(key)\n# sim: \(directive)\n# \(tag)\n".utf8))
        return (tag, zip.finish())
    }

    private func rollBack(_ model: SimFunctionModel, _ account: Account, _ front: SimFront) async {
        // The code of an older version may be of any kind.
        let isAllHealthy = healthy.withLock { $0.filter { $0.key.function == model.key }.values.allSatisfy { $0 } }
        model.begin(isHealthy: isAllHealthy)
        let result = await front.rollBack(model.key, token: account.token)
        settle(model, result, "roll back", allowed: model.known == .absent ? [.notFound, .conflict] : [.conflict])
    }

    private func settle(
        _ model: SimFunctionModel, _ result: SimFront.Outcome<DeployResponse>, _ what: String,
        allowed: Set<InvokError.Code>
    ) {
        switch result {
        case .success(let deployment)?:
            checker.mark("\(what) acknowledged")
            let key = VersionKey(function: model.key, number: deployment.version)
            checker.require(
                deployment.path == "/invok/\(model.key)", "\(what) of \(key) was answered for \(deployment.path)")
            checker.require(
                cluster.store.contents.functions[model.key]?.activeVersion == key.number,
                "\(what) of \(key) was acknowledged, but is not in the store")
            model.end(.active(key.number), isHealthy: healthy.withLock { $0[key] } ?? false)
        case .failure(let error)?:
            judge(error, "\(what) \(model.key)", allowed: model.known == .open ? allowed.union([.notFound]) : allowed)
            if error.code == .unavailable || error.code == .internal {
                model.end(.open)
            } else {
                settleUnchanged(model)
            }
        case nil: model.end(.open)
        }
    }

    /// The change was refused for good, so what was active still is.
    private func settleUnchanged(_ model: SimFunctionModel) {
        guard case .active(let number) = model.known else { return }
        let key = VersionKey(function: model.key, number: number)
        model.end(.active(number), isHealthy: healthy.withLock { $0[key] } ?? false)
    }

    private func delete(_ model: SimFunctionModel, _ account: Account, _ front: SimFront) async {
        model.begin(isHealthy: true, removes: true)
        switch await front.delete(model.key, token: account.token) {
        case nil: model.end(.open)
        case .success?:
            checker.mark("delete acknowledged")
            checker.require(
                cluster.store.contents.functions[model.key] == nil, "\(model.key) was deleted, but is in the store")
            model.end(.absent, isHealthy: true)
        case .failure(let error)?:
            // A first deploy that failed leaves a function without an active version.
            judge(error, "delete \(model.key)", allowed: [.notFound])
            model.end(.open)
        }
    }

    // MARK: Reading

    private func list(_ model: SimFunctionModel, _ account: Account, _ front: SimFront) async {
        switch await front.list(token: account.token) {
        case .success(let functions)?:
            checker.mark("list")
            let isOwn = functions.allSatisfy { $0.uuid == account.namespace }
            checker.require(isOwn, "the list of \(account.namespace) shows another namespace")
            if case .active(let number) = model.known {
                let active = functions.first { $0.name == model.key.name.description }?.activeVersion
                checker.require(active == number, "the list shows \(model.key)@\(active ?? 0) instead of @\(number)")
            }
        case .failure(let error)?: judge(error, "list", allowed: [])
        case nil: break
        }
    }

    private func readLogs(_ model: SimFunctionModel, _ account: Account, _ front: SimFront) async {
        switch await front.logs(of: model.key, token: account.token) {
        case .success(let lines)?:
            checker.mark("logs")
            let strays = lines.filter { $0.source == .stdout && $0.text != "\(model.key)" }
            checker.require(strays.isEmpty, "the log of \(model.key) holds '\(strays.first?.text ?? "")'")
        case .failure(let error)?: judge(error, "logs", allowed: [.notFound])
        case nil: break
        }
    }

    // MARK: Calling functions

    private func call(_ model: SimFunctionModel, _ account: Account, _ visitor: Int) async {
        var random = random("visitor \(visitor) of \(model.key.name)")
        while goesOn {
            await cluster.sleep(random.duration(below: random.below(10) == 0 ? .seconds(40) : .seconds(2)))
            let front = await front(&random)
            if random.below(20) == 0 {
                await trespass(model, front)
            } else {
                await invoke(model, token: account.token, on: front)
            }
        }
    }

    private func invoke(_ model: SimFunctionModel, token: String, on front: SimFront) async {
        let (began, steady, sink) = (cluster.clock.now(), model.steady, SimSink())
        let outcome = await send(model.key, token: token, sink, on: front)
        checker.require(sink.problems.isEmpty, "an answer of \(model.key) had \(sink.problems)")
        switch outcome {
        case nil: checker.mark("request cut off by a crash")
        case .success?:
            checker.mark("request answered")
            checker.require(sink.isFinished && sink.head != nil, "a request to \(model.key) ended without an answer")
            checker.onAnswer(
                sink.text, namespace: sink.field("x-sim-namespace"), version: sink.field("x-sim-version"),
                to: model.key, since: began)
        case .failure(let error)?:
            if let steady, model.isStill(steady) {
                judge(error, "invoke \(model.key)", allowed: [])
            } else {
                judge(
                    error, "invoke \(model.key)",
                    allowed: [.notFound, .functionFailed, .noCapacity, .functionTimeout])
            }
        }
    }

    private func send(
        _ key: FunctionKey, token: String, _ sink: SimSink, on front: SimFront
    ) async -> SimFront.Outcome<Void> {
        let number = requests.withLock { requests in
            requests += 1
            return requests
        }
        return await front.invoke(key, token: token, requestID: "\(self.number)-\(number)", sink: sink)
    }

    /// Asks for a function of a namespace that is not the caller's.
    private func trespass(_ model: SimFunctionModel, _ front: SimFront) async {
        let stranger = cluster.settings.tokenLifetime
        let now = cluster.clock.wallTime()
        // A token that is valid, of a user of its own namespace.
        let others = cluster.store.contents.users.keys.filter { $0 != model.key.namespace }.sorted()
        guard let user = others.first else { return }
        let claims = TokenClaims(user: user, issuedAt: now, expiresAt: now.advanced(by: stranger))
        guard let token = try? await SimTokenCodec().sign(claims) else { return }
        let sink = SimSink()
        let outcome = await send(model.key, token: token, sink, on: front)
        checker.require(sink.head == nil, "\(model.key) answered a stranger")
        if case .failure(let error)? = outcome {
            checker.mark("stranger refused")
            checker.require(
                error.code == .notFound || error.code == .unavailable,
                "a stranger to \(model.key) was told \(error.code.rawValue)")
        } else {
            checker.require(outcome == nil, "\(model.key) served a stranger")
        }
    }

    // MARK: The end

    /// After convergence each core answers for each function with the active version.
    func checkConvergence() async {
        guard let account = account.withLock({ $0 }) else { return }
        for model in functionModels {
            let stored = cluster.store.contents.functions[model.key]?.activeVersion
            switch model.known {
            case .absent: checker.require(stored == nil, "\(model.key) was deleted, but \(stored ?? 0) is active")
            case .active(let number):
                checker.require(
                    stored == number, "\(model.key)@\(number) was acknowledged, but @\(stored ?? 0) is active")
            case .open: checker.mark("open at the end")
            }
            guard let stored, healthy.withLock({ $0[VersionKey(function: model.key, number: stored)] }) == true else {
                continue
            }
            for front in cluster.nodes.compactMap(\.life).map(SimFront.init) {
                let sink = SimSink()
                let outcome = await send(model.key, token: account.token, sink, on: front)
                let problem = Self.problem(outcome)
                checker.require(
                    problem.isEmpty && sink.field("x-sim-version") == String(stored),
                    "after convergence \(front.name) answers \(model.key)@\(stored) with \(problem)"
                        + " @\(sink.field("x-sim-version") ?? "none")")
                checker.mark("converged")
            }
        }
    }

    private static func problem(_ outcome: SimFront.Outcome<Void>) -> String {
        switch outcome {
        case .success?: ""
        case .failure(let error)?: "\(error.code.rawValue): \(error.message)"
        case nil: "a crash"
        }
    }

    /// The load that the core sees on this client's functions; -1 when it does not say.
    func load(on front: SimFront) async -> Int {
        guard let account = account.withLock({ $0 }) else { return 0 }
        guard case .success(let functions)? = await front.status(token: account.token) else { return -1 }
        return functions.reduce(0) { $0 + $1.requests + $1.instances }
    }
}
