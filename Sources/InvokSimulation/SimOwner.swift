import Invok
import InvokSim
import Synchronization

/// Changes one function, one change after the other. A function may have two owners, who do not know of each other.
struct SimOwner: Sendable {
    /// How long a core may still work on a change whose caller has gone away.
    private static let afterwork = Duration.seconds(40)

    let name: String
    let model: SimFunctionModel
    let token: String
    let slowness: Int
    /// Whether it also changes the function just when somebody else begins to.
    var isRival = false
    let cluster: SimCluster

    private var key: FunctionKey { model.key }
    private var checker: SimChecker { cluster.checker }

    /// Works until users stop.
    func run() async {
        var random = cluster.random(name)
        var serial = 0
        var last: SimCode?
        while cluster.usersWork {
            // Sometimes for so long that nothing but the system itself can mend what a fault has left, sometimes so short
            // that the cores still tell each other of the change before, or just read it.
            let isHurried = random.below(4 * slowness) == 0
            let pause = random.below(8) == 0 ? Duration.seconds(250) : .seconds(25)
            let hurry = random.below(2) == 0 ? Duration.milliseconds(20) : .seconds(1)
            await cluster.rest(random.duration(below: isHurried ? hurry : pause * slowness))
            if isRival, random.below(2) == 0 { await cluster.next(in: model.beginnings) }
            guard cluster.usersWork else { return }
            let front = await cluster.front(&random)
            serial += 1
            let patience: Duration? = random.below(15) == 0 ? random.duration(below: .seconds(5)) : nil
            // What is done in a hurry takes no build.
            switch isHurried ? 10 + random.below(6) : random.below(20) {
            case 0..<10:
                // Sometimes the same archive once more: what is kept of it may be on its way out.
                let again = random.below(5) == 0 ? last : nil
                let code = again ?? SimCode.draw(tag: "\(key) \(name) \(serial)", &random)
                last = code
                await deploy(code, front, patience, &random)
            case 10..<13: await rollBack(front, patience, &random)
            case 13..<16: await update(front, patience, serial, &random)
            case 16:
                await delete(front)
                guard let last, random.below(2) == 0 else { continue }
                // They think better of it: what is left of the archive and the bundle may be on its way out.
                await cluster.rest(random.duration(below: .seconds(45)))
                guard cluster.usersWork else { return }
                await deploy(last, await cluster.front(&random), nil, &random)
            case 17... where last?.kind == .secret: await setSecret(front, &random)
            case 17: await SimReader(model: model, token: token, cluster: cluster).readLogs(front)
            default: await SimReader(model: model, token: token, cluster: cluster).list(front)
            }
        }
    }

    // MARK: Changes

    func deploy(
        _ code: SimCode, _ front: SimFront, _ patience: Duration?, _ random: inout SimGenerator
    ) async {
        if code.kind == .secret { await setSecret(front, &random) }
        let archive = code.archive(for: key)
        checker.expect(code, of: code.keptArchive(for: key))
        let access: Access? = [nil, nil, .private, .public][random.below(4)]
        let (change, began) = (model.begin(isHealthy: code.answers || !code.becomesActive), cluster.clock.now())
        let (result, isAbandoned) = await cluster.waits.during("\(name) deploys \(key) on \(front.name)") {
            await cluster.abandoning(after: patience) {
                await front.deploy(archive, name: key.name, access: access, token: token)
            }
        }
        if case .success(let deployment)? = result {
            if cluster.isOrderly(since: began) {
                let time = began.duration(to: cluster.clock.now())
                checker.onServed("a deploy", "\(key)", after: time, within: SimChecker.buildLimit)
            }
            let version = VersionKey(function: key, number: deployment.version)
            checker.require(code.becomesActive, "\(version) became active, but it is \(code.kind)")
            checker.require(
                checker.code(of: version) == code, "\(version) was made of another archive than the deployed one")
        }
        var allowed = Set([code.refusal, fullDisk(front, since: began)].compactMap(\.self))
        // It was not set, or the function was deleted in between, with its secret.
        if code.kind == .secret { allowed.formUnion([.invalidConfig, .startFailed]) }
        await settle(change, result, "deploy", on: front, allowed: allowed, isAbandoned)
    }

    /// Gives the function's secret another value, and its namespace's one that the function never sees.
    private func setSecret(_ front: SimFront, _ random: inout SimGenerator) async {
        guard let name = try? SecretName(SimCode.secret) else { return }
        let restarts = random.below(2) == 0
        for function in [nil, key.name] {
            let secret = SecretKey(namespace: key.namespace, function: function, name: name)
            let value = "\(secret) \(random.below(1_000_000))"
            let result = await cluster.waits.during("\(name) sets \(secret) on \(front.name)") {
                await front.set(secret, to: value, restarts: restarts && function != nil, token: token)
            }
            switch result {
            case .success(let message)?: if message.restarted?.isEmpty == false { await seeReplaced() }
            // The function may be deleted meanwhile, and then there is nothing to restart.
            case .failure(let error)?: cluster.judge(error, "set \(secret)", allowed: [.notFound])
            case nil: break
            }
        }
    }

    /// What ran when a restart was acknowledged is gone after a while.
    private func seeReplaced() async {
        checker.mark("restart acknowledged")
        let (began, restarts) = (cluster.clock.now(), cluster.store.contents.functions[key]?.restarts ?? 0)
        await cluster.sleep(.seconds(60))
        guard cluster.isOrderly(since: began) else { return }
        for instance in cluster.nodes.flatMap(\.engine.running) where instance.version.function == key {
            checker.require(instance.generation >= restarts, "\(instance.id) was to be replaced, and still runs")
        }
    }

    private func rollBack(_ front: SimFront, _ patience: Duration?, _ random: inout SimGenerator) async {
        // The code of an older version may be of any kind.
        let isHealthy = checker.allCodeAnswers(of: key)
        let change = model.begin(isHealthy: isHealthy)
        var target: Int?
        if case .active(let number) = change.before, number > 1, random.below(3) == 0 {
            target = 1 + random.below(number)
        }
        let older = checker.readyVersions(of: key)
        let (result, isAbandoned) = await cluster.waits.during("\(name) rolls \(key) back on \(front.name)") {
            await cluster.abandoning(after: patience) { [target] in
                await front.rollBack(key, to: target, token: token)
            }
        }
        if case .success(let deployment)? = result, case .active(let number) = change.before,
            !model.isContended(change)
        {
            // One that was kept when it was asked may have gone before it was looked for.
            let expected = [older, checker.readyVersions(of: key)].map { target ?? $0.last { $0 < number } ?? 0 }
            checker.require(
                expected.contains(deployment.version),
                "\(key) went back from @\(number) to @\(deployment.version) instead of @\(expected)")
        }
        var allowed: Set<InvokError.Code> = [.notFound, .conflict]
        // One that hangs may have no place left for its trial when it comes back before its last requests are over.
        if !isHealthy { allowed.insert(.noCapacity) }
        await settle(change, result, "roll back", on: front, allowed: allowed, isAbandoned)
    }

    private func update(_ front: SimFront, _ patience: Duration?, _ serial: Int, _ random: inout SimGenerator) async {
        let access: Access? = [nil, .private, .public][random.below(3)]
        var update = FunctionUpdate(access: access)
        if access == nil || random.below(2) == 0 { update.env = [SimCode.variable: "\(name) \(serial)"] }
        let (change, began) = (model.begin(isHealthy: checker.allCodeAnswers(of: key)), cluster.clock.now())
        let (result, isAbandoned) = await cluster.waits.during("\(name) updates \(key) on \(front.name)") {
            await cluster.abandoning(after: patience) { [update] in await front.update(key, update, token: token) }
        }
        if case .success(let deployment)? = result, let env = update.env {
            let version = VersionKey(function: key, number: deployment.version)
            checker.require(
                checker.settings(of: version)?.environment.variables == env, "\(version) has another environment")
        }
        // Without an active version there is nothing to update.
        let isKnown = if case .active = change.before { true } else { false }
        var allowed: Set<InvokError.Code> = isKnown ? [] : [.notFound, .conflict]
        if let refusal = fullDisk(front, since: began), update.env != nil { allowed.insert(refusal) }
        await settle(change, result, "update", on: front, allowed: allowed, isAbandoned)
    }

    /// What a new version may be refused with on a machine whose disk was nearly full; `nil` where it had room.
    private func fullDisk(_ front: SimFront, since: Instant) -> InvokError.Code? {
        checker.disk(of: front.name)?.wasShort(since: since) == true ? .storageFull : nil
    }

    func delete(_ front: SimFront) async {
        let change = model.begin(isHealthy: true, removes: true)
        let result = await cluster.waits.during("\(name) deletes \(key) on \(front.name)") {
            await front.delete(key, token: token)
        }
        switch result {
        case nil: model.end(change, .open)
        case .success?:
            checker.mark("delete acknowledged")
            checker.require(
                model.isContended(change) || cluster.store.contents.functions[key] == nil,
                "\(key) was deleted, but is in the store")
            model.end(change, .absent, isHealthy: true, by: front.name)
        case .failure(let error)?:
            // A first deploy that failed leaves a function without an active version.
            cluster.judge(error, "delete \(key)", allowed: [.notFound])
            model.end(change, .open)
        }
    }

    // MARK: What came of it

    private func settle(
        _ change: SimFunctionModel.Change, _ result: SimFront.Outcome<DeployResponse>, _ what: String,
        on front: SimFront, allowed: Set<InvokError.Code>, _ isAbandoned: Bool
    ) async {
        // A core may go on with what it cannot give up half done.
        if isAbandoned { await cluster.sleep(Self.afterwork) }
        let isContended = model.isContended(change)
        switch result {
        case .success(let deployment)?:
            checker.mark("\(what) acknowledged")
            let version = VersionKey(function: key, number: deployment.version)
            checker.require(
                deployment.path == "/invok/\(key)", "\(what) of \(version) was answered for \(deployment.path)")
            checker.require(
                isContended || cluster.store.contents.functions[key]?.activeVersion == version.number,
                "\(what) of \(version) was acknowledged, but is not in the store")
            model.end(
                change, .active(version.number), isHealthy: checker.code(of: version)?.answers ?? false, by: front.name)
        case .failure(let error)?:
            var allowed = allowed
            if isAbandoned { allowed.formUnion([.unavailable, .noCapacity]) }
            if isContended { allowed.formUnion([.deployInProgress, .notFound, .conflict]) }
            if change.before == .open { allowed.formUnion([.notFound, .conflict]) }
            cluster.judge(error, "\(what) \(key)", allowed: allowed)
            if !isContended, !isAbandoned, case .active(let before) = change.before {
                let active = cluster.store.contents.functions[key]?.activeVersion ?? before
                checker.require(
                    active == before || cluster.history.isUnanswered(key, active: active),
                    "\(what) of \(key)@\(active) failed, but it is active, which the store would have said")
            }
            let isOpen = error.code == .unavailable || error.code == .internal || isAbandoned
            if !isOpen, case .active(let number) = change.before {
                // The change was refused for good, so what was active still is.
                let code = checker.code(of: VersionKey(function: key, number: number))
                model.end(change, change.before, isHealthy: code?.answers ?? false)
            } else {
                model.end(change, isOpen ? .open : change.before)
            }
        case nil: model.end(change, .open)
        }
    }
}
