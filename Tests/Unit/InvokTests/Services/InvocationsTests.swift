import HTTPTypes
import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct InvocationsTests {
    // MARK: Who may

    @Test func whoMayInvoke() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let stranger = try await rig.user("stranger")
        let viewer = try await rig.user("viewer")
        try await rig.sim.store.putGrant(Grant(namespace: owner.namespace, user: viewer.user.id, role: .viewer))
        try await rig.running {
            let key = try rig.key(owner)
            let absent = FunctionKey(namespace: owner.namespace, name: try FunctionName("absent"))
            try await rig.deploy("hello", as: owner)
            let strange = try await rig.token(stranger)
            // It is told whether it exists only to whom it may concern.
            for target in [key, absent] {
                #expect(await code { try await rig.invoke(target) } == .unauthenticated)
                #expect(await code { try await rig.invoke(target, token: "forged") } == .unauthenticated)
                #expect(await code { try await rig.invoke(target, token: strange) } == .notFound)
            }
            for caller in [owner, viewer] {
                #expect(try await rig.invoke(key, token: rig.token(caller)).text == "hello")
                #expect(await code { try await rig.invoke(absent, token: rig.token(caller)) } == .notFound)
            }
            try await rig.deploy("hello", access: "public", as: owner)
            #expect(try await rig.invoke(key).text == "hello")
            #expect(try await rig.invoke(key, token: strange).text == "hello")
            #expect(try await rig.invoke(key, token: "forged").text == "hello")
            #expect(await code { try await rig.invoke(absent) } == .unauthenticated)
        }
    }

    @Test(arguments: [("nonsense", "hello"), ("00000000-0000-4000-8000-000000000000", "NO_NAME"), ("", "")])
    func whatIsNoTargetIsNotFoundOnlyWithAToken(namespace: String, name: String) async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let token = try await rig.token(owner)
        func invoke(_ token: String?) async throws {
            var head = HTTPRequest(method: .get, scheme: "http", authority: "x", path: "/")
            if let token { head.headerFields[.authorization] = "Bearer \(token)" }
            try await rig.invocations.invoke(
                InvocationTarget(namespace: namespace, name: name, rest: ""), head: head, body: EmptyBody(),
                requestID: "1", stranger: { nil }, sink: RecordingSink(), trace: CallTrace())
        }
        #expect(await code { try await invoke(nil) } == .unauthenticated)
        #expect(await code { try await invoke(token) } == .notFound)
    }

    // MARK: What the function sees

    @Test func thePlatformsTokenIsNeverForwarded() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            try await rig.deploy("echo", access: "public", as: owner)
            let token = try await rig.token(owner)
            var several: HTTPFields = [.authorization: "Bearer own"]
            several.append(HTTPField(name: .authorization, value: "Bearer \(token)"))
            let platform: [HTTPFields] = [
                [.authorization: "Bearer \(token)"], [ForwardedHead.tokenHeader: token], several,
                [.authorization: "Bearer own, bearer \(token)"],
            ]
            for fields in platform {
                let answer = try await rig.invoke(key, fields: fields)
                let seen = answer.head?.headerFields.map(\.value).joined(separator: "\n")
                #expect(seen?.contains(token) == false)
            }
            let own = try await rig.invoke(
                key, fields: [.authorization: "Bearer own", ForwardedHead.tokenHeader: token])
            #expect(own.header("x-echo-authorization") == "Bearer own")
            #expect(own.header("x-echo-x-invok-token") == nil)
        }
    }

    @Test func theRequestArrivesAsItIs() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy("echo", as: owner)
            let answer = try await rig.invoke(
                rig.key(owner), token: rig.token(owner), rest: "/a/b?q=1", body: ListBody("one", "two"))
            #expect(answer.header("x-echo-path") == "/hello/a/b?q=1")
            #expect(answer.header("x-echo-x-invok-request-id") == "request-1")
            #expect(answer.text == "onetwo")
            #expect(answer.isFinished)
        }
    }

    // MARK: What goes wrong

    private func answer(
        refusals: Int, readingChunks chunks: Int = 0, body: ListBody = ListBody("body")
    ) async throws -> (code: InvokError.Code?, text: String) {
        let sim = SimWorld(seed: 1)
        let rig = Rig(on: sim) { world, _ in
            world.transport = RefusingTransport(sim.transport, refusals: refusals, readingChunks: chunks)
        }
        let owner = try await rig.user()
        return try await rig.running {
            let key = try rig.key(owner)
            try await rig.deploy("echo", as: owner)
            let token = try await rig.token(owner)
            let invocation = Task { try await rig.invoke(key, token: token, body: body) }
            let watch = Task {
                while !Task.isCancelled {
                    sim.clock.advance(by: .milliseconds(1))
                    await Task.yield()
                }
            }
            let result = await invocation.result
            watch.cancel()
            await watch.value
            #expect(rig.dispatcher.load(of: key).requests == 0)
            switch result {
            case .success(let sink): return (nil, sink.text)
            case .failure(let error): return ((error as? InvokError)?.code, "")
            }
        }
    }

    @Test func aRequestOfWhichNothingWasSentGoesElsewhere() async throws {
        #expect(try await answer(refusals: 1) == (nil, "body"))
        #expect(try await answer(refusals: Invocations.attempts - 1) == (nil, "body"))
        #expect(try await answer(refusals: Invocations.attempts).code == .functionFailed)
    }

    /// What was read of the body is gone: sent again, it would be a part of it only.
    @Test func aRequestOfWhichSomethingWasReadDoesNot() async throws {
        #expect(
            try await answer(refusals: 1, readingChunks: 1, body: ListBody("one", "two")).code == .functionFailed)
    }

    @Test func aFunctionThatDiesIsSaidAndTheNextRequestIsAnswered() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            let token = try await rig.token(owner)
            try await rig.deploy("exit-on-request", as: owner)
            #expect(await code { try await rig.invoke(key, token: token) } == .functionFailed)
            #expect(rig.dispatcher.load(of: key).requests == 0)
            try await rig.deploy("hello", as: owner)
            #expect(try await rig.invoke(key, token: token).text == "hello")
        }
    }

    @Test func aFunctionThatTakesTooLongIsCutOff() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            let token = try await rig.token(owner)
            try await rig.deploy("hang", limits: #"{"timeoutSeconds":3}"#, as: owner)
            let outcome = Task { await code { try await rig.invoke(key, token: token) } }
            try await rig.eventually { rig.dispatcher.load(of: key).requests == 1 }
            try await rig.eventually {
                rig.sim.clock.advance(by: .milliseconds(100))
                return rig.dispatcher.load(of: key).requests == 0
            }
            #expect(await outcome.value == .functionTimeout)
        }
    }

    @Test func anAnswerThatPausesForTooLongIsCutOff() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            let token = try await rig.token(owner)
            try await rig.deploy("stall", limits: #"{"timeoutSeconds":300,"pauseSeconds":2}"#, as: owner)
            let outcome = Task { await message { try await rig.invoke(key, token: token) } }
            try await rig.eventually { rig.dispatcher.load(of: key).requests == 1 }
            // Its time begins with what the client has taken last, which is a matter of turns.
            try await rig.eventually {
                rig.sim.clock.advance(by: .milliseconds(100))
                return rig.dispatcher.load(of: key).requests == 0
            }
            #expect(await outcome.value == "the function's answer paused for 2 s (limits.pauseSeconds)")
        }
    }

    /// It answers neither its readiness check nor anything else, and does not end by itself.
    @Test func aFunctionThatHangsAltogetherIsReplaced() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            let token = try await rig.token(owner)
            try await rig.deploy(
                "freeze", limits: #"{"timeoutSeconds":3,"minInstances":1,"maxInstances":1}"#, as: owner)
            let first = try #require(rig.dispatcher.ready.first)
            let outcome = Task { await code { try await rig.invoke(key, token: token) } }
            try await rig.eventually { rig.dispatcher.load(of: key).requests == 1 }
            try await rig.eventually {
                rig.sim.clock.advance(by: .milliseconds(100))
                return rig.dispatcher.load(of: key).requests == 0
            }
            #expect(await outcome.value == .functionTimeout)
            try await rig.eventually {
                rig.sim.clock.advance(by: .milliseconds(100))
                return rig.dispatcher.ready.first.map { $0 != first } ?? false
            }
            #expect(rig.sim.engine.running.count == 1)
            let log = try await rig.sim.logs.lines(of: key, since: nil, limit: 10).map(\.line.text)
            #expect(log.contains("instance replaced: it did not answer its readiness check"))
        }
    }

    /// What a function goes on doing after its time counts against its concurrency.
    @Test func aFunctionWorksOnOneRequestAtATimeAlsoAfterATimeout() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            let token = try await rig.token(owner)
            try await rig.deploy(
                "slow 4000", limits: #"{"timeoutSeconds":3,"concurrency":1,"maxInstances":1}"#, as: owner)
            let instance = try #require(rig.dispatcher.ready.first)
            let call = { @Sendable in await code { try await rig.invoke(key, token: token) } }
            let first = Task { await call() }
            try await rig.eventually { rig.sim.effects.counts["transport.exchange"] == 1 }
            try await rig.eventually {
                rig.sim.clock.advance(by: .milliseconds(10))
                return rig.dispatcher.load(of: key).requests == 0
            }
            #expect(await first.value == .functionTimeout)
            let second = Task { await call() }
            try await rig.eventually { rig.dispatcher.load(of: key).requests == 1 }
            for _ in 0..<1000 { await Task.yield() }
            #expect(rig.sim.effects.counts["transport.exchange"] == 1)
            #expect(rig.sim.effects.counts["transport.check"] == 2, "at its start, and after the timeout")
            rig.sim.clock.advance(by: .seconds(1))
            try await rig.eventually { rig.sim.effects.counts["transport.exchange"] == 2 }
            #expect(rig.sim.engine.requestCount(of: instance.id) == 1)
            second.cancel()
            _ = await second.value
        }
    }

    @Test func whoGoesAwayLeavesNothing() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            let token = try await rig.token(owner)
            try await rig.deploy("hang", as: owner)
            let call = Task { try await rig.invoke(key, token: token) }
            try await rig.eventually { rig.dispatcher.load(of: key).requests == 1 }
            call.cancel()
            _ = await call.result
            #expect(rig.dispatcher.load(of: key).requests == 0)
        }
    }

    @Test func tooManyAreTurnedAway() async throws {
        let rig = Rig { $1.queueLimit = 0 }
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            let token = try await rig.token(owner)
            await #expect(throws: InvokError.self) { try await rig.deploy("hello", as: owner) }
            #expect(await code { try await rig.invoke(key, token: token) } == .notFound)
        }
    }

    /// The version that was looked up is retired before the request gets its place.
    @Test func aVersionThatWasReplacedMeanwhileIsFollowed() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            let token = try await rig.token(owner)
            try await rig.deploy("hello one", as: owner)
            // As if it had been retired by mistake: the route says it answers, and no pool does.
            let version = try #require(rig.directory.known(key)?.version)
            rig.dispatcher.retire(version.key)
            try await rig.eventually { !rig.dispatcher.isOpen(version.key) }
            #expect(try await rig.invoke(key, token: token).text == "one")
        }
    }

    @Test func warmFunctionsAnswerWithEverythingAway() async throws {
        let rig = Rig { world, _ in world.cache = AbsentCache() }
        let owner = try await rig.user()
        try await rig.running {
            let key = try rig.key(owner)
            let token = try await rig.token(owner)
            try await rig.deploy("hello", as: owner)
            _ = try await rig.invoke(key, token: token)
            rig.store.isAway = true
            #expect(try await rig.invoke(key, token: token).text == "hello")
        }
    }

    /// Nobody waits for a store that hangs: neither who may, nor who may not, nor who asks for what is not there.
    @Test func aHungStoreCostsWarmCallsNothing() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let guest = try await rig.user("guest")
        try await rig.sim.store.putGrant(Grant(namespace: owner.namespace, user: guest.user.id, role: .viewer))
        try await rig.running {
            let key = try rig.key(owner)
            try await rig.deploy("hello", as: owner)
            _ = try await rig.invoke(key, token: rig.token(guest))
            rig.store.hang(Gate())
            rig.sim.clock.advance(by: .seconds(20))
            #expect(try await rig.invoke(key, token: rig.token(owner)).text == "hello")
            #expect(try await rig.invoke(key, token: rig.token(guest)).text == "hello")
            #expect(await code { try await rig.invoke(key) } == .unauthenticated)
            let unknown = FunctionKey(namespace: owner.namespace, name: try FunctionName("unknown"))
            #expect(await code { try await rig.invoke(unknown) } == .unauthenticated)
        }
    }

    /// What another core has deployed is found, though nobody told of it.
    @Test func whatAnotherCoreOpenedToAllIsFoundByStrangers() async throws {
        let sim = SimWorld(seed: 1)
        let (one, other) = (Rig(on: sim), Rig(on: sim))
        let owner = try await one.user()
        let key = try one.key(owner)
        try await one.running { try await one.deploy("hello", access: "public", as: owner) }
        try await other.running {
            #expect(await code { try await other.invoke(key) } == .unauthenticated)
            try await other.eventually { other.directory.known(key) != nil }
            #expect(try await other.invoke(key).text == "hello")
        }
    }
}
