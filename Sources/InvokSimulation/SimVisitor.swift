import HTTPTypes
import Invok
import InvokSim

/// Calls one function, as its owner, as a stranger with an account, or as somebody without one.
struct SimVisitor: Sendable {
    /// What a call may be told while nothing may be counted on.
    private static let unsteady: Set<InvokError.Code> = [.notFound, .functionFailed, .noCapacity, .functionTimeout]

    let name: String
    let model: SimFunctionModel
    let token: String
    let slowness: Int
    let cluster: SimCluster

    private var key: FunctionKey { model.key }
    private var checker: SimChecker { cluster.checker }

    /// Works until users stop.
    func run() async {
        var random = cluster.random(name)
        while cluster.usersWork {
            let pause = random.below(12) == 0 ? Duration.seconds(40) : .seconds(4)
            await cluster.rest(random.duration(below: pause * slowness))
            guard cluster.usersWork else { return }
            let front = await cluster.front(&random)
            switch random.below(40) {
            case 0...1: await burst(front, &random)
            case 2: await trespass(front, &random)
            case 4: await meddle(front, asGuest: random.below(2) == 0, &random)
            case 5: await meetChange(&random)
            case 3:
                let patience = random.duration(below: .seconds(1))
                _ = await cluster.abandoning(after: patience) { await invoke(on: front, mayLeave: true) }
            default: await invoke(body: random.below(4) == 0 ? Array("\(name)".utf8) : nil, on: front)
            }
        }
    }

    /// More at once than the instances take, from people who do not know of each other.
    private func burst(_ front: SimFront, _ random: inout SimGenerator) async {
        let count = 4 + random.below(9)
        checker.mark("burst")
        await withDiscardingTaskGroup { group in
            for _ in 0..<count { group.addTask { await invoke(on: front) } }
        }
    }

    /// Calls while the function changes: what a core looks up for a guest takes a moment in which a version may go.
    private func meetChange(_ random: inout SimGenerator) async {
        guard let guest = cluster.guest(of: key.namespace) else { return }
        await cluster.nextCommit(of: key)
        checker.mark("call during a change")
        var calls: [(front: SimFront, after: Duration)] = []
        for _ in 0..<6 { calls.append((await cluster.front(&random), random.duration(below: .milliseconds(3)))) }
        await withDiscardingTaskGroup { group in
            for call in calls {
                group.addTask {
                    await cluster.sleep(call.after)
                    await invoke(token: guest.token, on: call.front)
                }
            }
        }
    }

    /// Neither a guest nor a stranger may change anything, and a stranger does not learn that there is anything.
    func meddle(_ front: SimFront, asGuest isGuest: Bool, _ random: inout SimGenerator) async {
        let token = isGuest ? cluster.guest(of: key.namespace)?.token : stranger(&random)?.token
        guard let token else { return }
        let who = isGuest ? "guest" : "stranger"
        switch await front.delete(key, token: token) {
        case nil: return
        case .success?: checker.violation("a \(who) has deleted \(key)")
        case .failure(let error)?:
            checker.mark("\(who) refused with \(error.code.rawValue)")
            cluster.judge(error, "a \(who)'s delete of \(key)", allowed: [isGuest ? .forbidden : .notFound])
        }
    }

    /// Somebody who has no right to the function.
    private func stranger(_ random: inout SimGenerator) -> SimCluster.Account? {
        let known = [key.namespace, cluster.guest(of: key.namespace)?.namespace]
        let strangers = cluster.accounts.filter { !known.contains($0.namespace) }
        return strangers.isEmpty ? nil : strangers[random.below(strangers.count)]
    }

    /// Calls the function with a right to it.
    /// - Parameters:
    ///   - guest: the token of somebody else who may; `nil` for the owner.
    ///   - mayLeave: the caller may be cancelled, and then has no right to anything.
    private func invoke(
        token guest: String? = nil, body: [UInt8]? = nil, on front: SimFront, mayLeave: Bool = false
    ) async {
        let (began, isAlone) = (cluster.clock.now(), checker.isUncalled(key))
        let (since, steady, quiet, sink) = (known(to: front), model.steady, model.quiet, SimSink())
        let isBuilt = quiet.map { cluster.isBuilt(key, $0.known, for: front) } ?? false
        let (id, call) = (cluster.nextRequestID(), SimCall())
        let isWarm = guest == nil && front.life.system.answersFromMemory(key)
        let outcome = await send(id, token: guest ?? token, body, sink, on: front, call)
        // Unless it was taken away meanwhile.
        if isWarm, let quiet, case .active = quiet.known, quiet.changes == model.quiet?.changes,
            front.life.system.answersFromMemory(key)
        {
            checker.onAnsweredFromMemory("a warm call of \(key)", asked: call.asked)
        }
        checker.require(sink.problems.isEmpty, "an answer of \(key) had \(sink.problems)")
        if mayLeave, Task.isCancelled { return }
        switch outcome {
        case nil: checker.mark("request cut off by a crash")
        case .success?:
            checkAnswer(sink, to: body, known: since())
            guard isAlone, steady.map(model.isStill) ?? false, cluster.isOrderly(since: began) else { return }
            let time = began.duration(to: cluster.clock.now())
            if isBuilt, quiet?.changes == model.quiet?.changes {
                checker.onServed("a call", "\(key)", after: time, within: SimChecker.callLimit)
            } else {
                checker.onServed("a call that may build", "\(key)", after: time, within: SimChecker.buildLimit)
            }
        case .failure(let error)?:
            let isSteady = steady.map(model.isStill) ?? false
            // With a change in between, a request may have been turned away by that instead.
            if error.code == .functionFailed, let quiet, quiet.changes == model.quiet?.changes {
                checker.onFunctionFailed(id)
            }
            cluster.judge(error, "invoke \(key)", allowed: isSteady ? [] : Self.unsteady)
        }
    }

    /// From when on a core must know of all changes, for a request that begins now; to be asked once it is answered.
    private func known(to front: SimFront) -> () -> Instant? {
        let (began, acknowledged) = (cluster.clock.now(), model.acknowledged(by: front.name))
        return {
            let calm = cluster.isCalm(since: began) ? began.advanced(by: .zero - SimChecker.staleness) : nil
            return [calm, acknowledged].compactMap(\.self).max()
        }
    }

    private func checkAnswer(_ sink: SimSink, to body: [UInt8]?, known: Instant?) {
        checker.mark("request answered")
        checker.require(sink.isFinished && sink.head != nil, "a request to \(key) ended without an answer")
        checker.onAnswer(
            SimChecker.Answer(
                status: sink.head?.status.code ?? 0, body: sink.body, namespace: sink.field("x-sim-namespace"),
                version: sink.field("x-sim-version")),
            to: key, requestBody: body, known: known)
    }

    private func send(
        _ id: String, token: String?, _ body: [UInt8]?, _ sink: SimSink, on front: SimFront, _ call: SimCall
    ) async -> SimFront.Outcome<Void> {
        checker.callBegins(key)
        defer { checker.callEnds(key) }
        return await cluster.waits.during("\(name) calls \(key) on \(front.name), request \(id)") {
            await SimCall.$current.withValue(call) {
                await front.invoke(key, token: token, body: body, requestID: id, sink: sink)
            }
        }
    }

    /// Calls the function without a right to it: that is answered when it is public, and else as if it were not there.
    private func trespass(_ front: SimFront, _ random: inout SimGenerator) async {
        let tokens: [String?] = [stranger(&random)?.token, nil, "forged"]
        let pick = random.below(tokens.count)
        let expected: InvokError.Code = tokens[pick] == nil || pick == 2 ? .unauthenticated : .notFound
        let (since, sink, call) = (self.known(to: front), SimSink(), SimCall())
        let outcome = await send(cluster.nextRequestID(), token: tokens[pick], nil, sink, on: front, call)
        switch outcome {
        case nil: return
        case .success?:
            checker.mark("stranger answered")
            checker.require(checker.wasPublic(key, since: since()), "\(key) answered a stranger, but was private")
            checkAnswer(sink, to: nil, known: since())
        case .failure(let error)?:
            let isRefusal = error.code == expected
            if isRefusal { checker.mark("stranger refused with \(expected.rawValue)") }
            // Whether or not the function is there, its refusal takes no time that would tell.
            if isRefusal, expected == .unauthenticated {
                checker.onAnsweredFromMemory("the refusal of an anonymous call of \(key)", asked: call.asked)
            }
            checker.require(
                !isRefusal || checker.wasClosed(key, since: since()), "\(key) was public, but refused a stranger")
            // Of a public function a stranger learns what everybody does.
            let isPublic = checker.wasPublic(key, since: since())
            cluster.judge(
                error, "a stranger's call of \(key)", allowed: isPublic ? Self.unsteady.union([expected]) : [expected])
        }
    }
}
