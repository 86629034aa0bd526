import HTTPTypes
import Invok

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
            await cluster.sleep(random.duration(below: pause * slowness))
            let front = await cluster.front(&random)
            switch random.below(40) {
            case 0...1: await burst(front, &random)
            case 2: await trespass(front, &random)
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

    /// Calls the function as its owner.
    /// - Parameter mayLeave: the caller may be cancelled, and then has no right to anything.
    private func invoke(body: [UInt8]? = nil, on front: SimFront, mayLeave: Bool = false) async {
        let (began, steady, sink) = (cluster.clock.now(), model.steady, SimSink())
        let outcome = await send(token: token, body, sink, on: front)
        checker.require(sink.problems.isEmpty, "an answer of \(key) had \(sink.problems)")
        if mayLeave, Task.isCancelled { return }
        switch outcome {
        case nil: checker.mark("request cut off by a crash")
        case .success?: checkAnswer(sink, to: body, since: began)
        case .failure(let error)?:
            let isSteady = steady.map(model.isStill) ?? false
            cluster.judge(error, "invoke \(key)", allowed: isSteady ? [] : Self.unsteady)
        }
    }

    private func checkAnswer(_ sink: SimSink, to body: [UInt8]?, since began: Instant) {
        checker.mark("request answered")
        checker.require(sink.isFinished && sink.head != nil, "a request to \(key) ended without an answer")
        checker.onAnswer(
            SimChecker.Answer(
                status: sink.head?.status.code ?? 0, body: sink.body, namespace: sink.field("x-sim-namespace"),
                version: sink.field("x-sim-version")),
            to: key, requestBody: body, since: began, isCalm: cluster.isCalm(since: began))
    }

    private func send(
        token: String?, _ body: [UInt8]?, _ sink: SimSink, on front: SimFront
    ) async -> SimFront.Outcome<Void> {
        let id = cluster.nextRequestID()
        return await cluster.waits.during("\(name) calls \(key) on \(front.name), request \(id)") {
            await front.invoke(key, token: token, body: body, requestID: id, sink: sink)
        }
    }

    /// Calls the function without a right to it: that is answered when it is public, and else as if it were not there.
    private func trespass(_ front: SimFront, _ random: inout SimGenerator) async {
        let strangers = cluster.accounts.filter { $0.namespace != key.namespace }
        let tokens: [String?] = [
            strangers.isEmpty ? nil : strangers[random.below(strangers.count)].token, nil, "forged",
        ]
        let pick = random.below(tokens.count)
        let expected: InvokError.Code = tokens[pick] == nil || pick == 2 ? .unauthenticated : .notFound
        let (began, sink) = (cluster.clock.now(), SimSink())
        let outcome = await send(token: tokens[pick], nil, sink, on: front)
        let isCalm = cluster.isCalm(since: began)
        switch outcome {
        case nil: return
        case .success?:
            checker.mark("stranger answered")
            checker.require(
                checker.wasPublic(key, since: began, isCalm: isCalm), "\(key) answered a stranger, but was private")
            checkAnswer(sink, to: nil, since: began)
        case .failure(let error)?:
            let isRefusal = error.code == expected
            if isRefusal { checker.mark("stranger refused with \(expected.rawValue)") }
            checker.require(
                !isRefusal || checker.wasClosed(key, since: began, isCalm: isCalm),
                "\(key) was public, but refused a stranger")
            // Of a public function a stranger learns what everybody does.
            let isPublic = checker.wasPublic(key, since: began, isCalm: isCalm)
            cluster.judge(
                error, "a stranger's call of \(key)", allowed: isPublic ? Self.unsteady.union([expected]) : [expected])
        }
    }
}
