import Invok
import InvokSim

/// What must hold once faults are over and users have stopped.
struct SimConvergence: Sendable {
    /// What belongs to one user.
    struct Property: Sendable {
        let token: String
        let functions: [SimFunctionModel]
    }

    let cluster: SimCluster
    let properties: [Property]

    private var checker: SimChecker { cluster.checker }

    /// Of all users, with the token of each one's owner.
    private var functions: [(model: SimFunctionModel, token: String)] {
        properties.flatMap { property in property.functions.map { ($0, property.token) } }
    }

    /// No half-done deploys, all that is active can run, and each core serves.
    func checkState() {
        let tables = cluster.store.contents
        let building = tables.allVersions.filter { $0.state == .building }.map(\.key).sorted()
        checker.require(building.isEmpty, "half-done deploys are left: \(building)")
        for function in tables.functions.values.sorted(by: { $0.key < $1.key }) {
            guard let number = function.activeVersion, let version = tables.versions[function.key]?[number] else {
                continue
            }
            checker.require(cluster.keeps(version), "the archive of the active \(version.key) is gone")
        }
        for node in cluster.nodes { checker.require(node.life != nil, "\(node.name) does not run") }
    }

    /// The store holds what was acknowledged, and each core answers for each function with the active version.
    func checkAnswers() async {
        for (model, token) in functions { await check(model, token) }
    }

    private func check(_ model: SimFunctionModel, _ token: String) async {
        let key = model.key
        let stored = cluster.store.contents.functions[key]?.activeVersion
        switch model.known {
        case .absent: checker.require(stored == nil, "\(key) was deleted, but \(stored ?? 0) is active")
        case .active(let number):
            checker.require(stored == number, "\(key)@\(number) was acknowledged, but @\(stored ?? 0) is active")
        case .open: checker.mark("open at the end")
        }
        guard let stored, answering(key) != nil else { return }
        for front in cluster.nodes.compactMap(\.life).map(cluster.front(to:)) {
            let sink = SimSink()
            let outcome = await front.invoke(
                key, token: token, requestID: cluster.nextRequestID(), sink: sink)
            let problem = Self.problem(outcome)
            checker.require(
                problem.isEmpty && sink.field("x-sim-version") == String(stored),
                "after convergence \(front.name) answers \(key)@\(stored) with \(problem)"
                    + " @\(sink.field("x-sim-version") ?? "none")")
            checker.mark("converged")
        }
    }

    private static func problem(_ outcome: SimFront.Outcome<Void>) -> String {
        switch outcome {
        case .success?: ""
        case .failure(let error)?: "\(error.code.rawValue): \(error.message)"
        case nil: "a crash"
        }
    }

    /// Without requests only the minimum of each active version runs, all of it owned, and nothing else is counted.
    func checkIdle() async {
        let tables = cluster.store.contents
        for node in cluster.nodes {
            var running: [VersionKey: Int] = [:]
            for instance in node.engine.running { running[instance.version, default: 0] += 1 }
            for instance in node.engine.running {
                let restarts = tables.functions[instance.version.function]?.restarts ?? 0
                checker.require(
                    instance.generation == restarts, "\(node.name) still runs \(instance.id), which was to be replaced")
            }
            for (version, count) in running.sorted(by: { $0.key < $1.key }) {
                let isActive = tables.functions[version.function]?.activeVersion == version.number
                let minimum = checker.settings(of: version)?.limits.minInstances ?? 0
                checker.require(isActive, "\(node.name) still runs \(version), which is not active")
                checker.require(
                    count <= minimum, "\(node.name) still runs \(count) instances of \(version) instead of \(minimum)")
            }
            await checkLoad(of: node, tables)
        }
    }

    /// Each core has counted what clients saw of it.
    func checkCounts() {
        for life in cluster.nodes.compactMap(\.life) { cluster.tally.check(life, checker) }
    }

    /// Of each version that runs, the instance that gets the requests ends, and nobody is told of it.
    func loseInstances() async {
        for node in cluster.nodes {
            var seen: Set<VersionKey> = []
            for instance in node.engine.running where seen.insert(instance.version).inserted {
                await node.engine.crash(instance.id, isTold: false)
                checker.mark("instance lost in silence")
            }
        }
    }

    /// Each core ends and starts again: one with its machine, the next without, the third in good order.
    func restart() async {
        for (index, node) in cluster.nodes.enumerated() {
            let isDown =
                switch (index + Int(truncatingIfNeeded: cluster.seed)) % 3 {
                case 0: await node.crash(takesInstances: true)
                case 1: await node.crash(takesInstances: false)
                default: await node.drain(takesInstances: false)
                }
            if isDown { await node.boot() }
        }
    }

    /// A core starts while another one changes what it reads: the access to functions, and whose archive nobody named
    /// any more. Soon the core knows what the store says, and nothing is gone that is named.
    func restartDuringChanges() async {
        let nodes = cluster.nodes
        let node = nodes[Int(cluster.seed % UInt64(nodes.count))]
        guard let other = nodes.first(where: { $0 !== node })?.life, await node.drain(takesInstances: false) else {
            return
        }
        let front = cluster.front(to: other)
        var random = cluster.random("changes during a start")
        var changes: [@Sendable () async -> Void] = []
        for (model, token) in functions {
            guard let (function, code) = answering(model.key) else { continue }
            if random.below(2) == 0 {
                changes.append { await turnAccess(of: function, token, on: front) }
            } else {
                let owner = SimOwner(
                    name: "\(model.key) again", model: model, token: token, slowness: 1, cluster: cluster)
                await owner.delete(front)
                changes.append {
                    var random = cluster.random(owner.name)
                    await owner.deploy(code, front, nil, &random)
                }
            }
        }
        // As long as the core takes to read what there is.
        let limit = Duration.milliseconds(5 + changes.count)
        await withDiscardingTaskGroup { group in
            group.addTask { await node.boot() }
            for change in changes {
                let pause = random.duration(below: limit)
                group.addTask {
                    await cluster.sleep(pause)
                    await change()
                }
            }
        }
        await cluster.sleep(SimChecker.staleness)
        checkState()
        await checkAnswers()
        guard let life = node.life else { return }
        for (model, _) in functions { await checkAccess(to: model.key, on: cluster.front(to: life)) }
    }

    /// Within 15 s of an operator's disabling a user, no core takes that user's token, though none was told.
    func disableUser() async {
        let owned = functions.first { answering($0.model.key)?.function.access == .private }
        guard let (model, token) = owned else { return }
        cluster.store.disable(model.key.namespace)
        await cluster.sleep(.seconds(15))
        for front in cluster.nodes.compactMap(\.life).map(cluster.front(to:)) {
            let outcome = await front.invoke(
                model.key, token: token, requestID: cluster.nextRequestID(), sink: SimSink())
            guard case .failure(let error)? = outcome, error.code == .unauthenticated else {
                checker.violation("\(front.name) takes the token of the disabled owner of \(model.key)")
                continue
            }
            checker.mark("disabled user refused")
        }
    }

    /// The function, and the code of its active version, if that answers.
    private func answering(_ key: FunctionKey) -> (function: Function, code: SimCode)? {
        guard let function = cluster.store.contents.functions[key], let number = function.activeVersion,
            let code = checker.code(of: VersionKey(function: key, number: number)), code.answers
        else { return nil }
        return (function, code)
    }

    private func turnAccess(of function: Function, _ token: String, on front: SimFront) async {
        let update = FunctionUpdate(access: function.access == .public ? .private : .public)
        if case .failure(let error)? = await front.update(function.key, update, token: token) {
            checker.violation("the access to \(function.key) cannot be changed: \(error.message)")
        }
    }

    /// The anonymous are answered where the store says so, and nowhere else.
    func checkAccess(to key: FunctionKey, on front: SimFront) async {
        guard let (function, _) = answering(key) else { return }
        let outcome = await front.invoke(key, token: nil, requestID: cluster.nextRequestID(), sink: SimSink())
        let isRight =
            switch outcome {
            case .success?: function.access == .public
            case .failure(let error)?: function.access != .public && error.code == .unauthenticated
            case nil: false
            }
        checker.require(isRight, "\(key) is \(function.access), but \(front.name) does not know")
        checker.mark("access as the store says")
    }

    private func checkLoad(of node: SimNode, _ tables: SimTables) async {
        guard let life = node.life else { return }
        for property in properties {
            guard case .success(let functions)? = await cluster.front(to: life).status(token: property.token) else {
                checker.violation("\(life.core.name) does not show its load")
                continue
            }
            for function in functions {
                let key = property.functions.first { $0.key.name.description == function.name }?.key
                let running = node.engine.running.count { $0.version.function == key }
                checker.require(
                    function.requests == 0, "\(life.core.name) still counts \(function.requests) requests")
                checker.require(
                    function.instances == running,
                    "\(life.core.name) counts \(function.instances) instances of \(function.name); \(running) run")
                guard let key, let number = tables.functions[key]?.activeVersion else { continue }
                let version = VersionKey(function: key, number: number)
                let minimum = checker.settings(of: version)?.limits.minInstances ?? 0
                checker.require(running == minimum, "\(node.name) runs \(running) of \(version) instead of \(minimum)")
            }
        }
    }
}
