import Invok
import Testing

@testable import InvokSim
@testable import InvokSimulation

/// Each check must be able to fail.
struct SimCheckerTests {
    private let clock = SimClock()
    private let key: FunctionKey
    private let checker: SimChecker
    private let code: SimCode
    private let archive: [UInt8]

    init() throws {
        key = FunctionKey(namespace: Namespace(high: 1, low: 1), name: try FunctionName("hello"))
        checker = SimChecker(clock: clock)
        code = SimCode(kind: .hello(delay: .zero), tag: "tag", limits: LimitsConfig())
        archive = code.archive(for: key)
        checker.expect(code, of: archive)
    }

    /// Tables with one function and these versions.
    private func tables(
        active: Int?, _ states: [Int: Version.State], access: Access = .private, buildLog: String = ""
    ) throws -> SimTables {
        var tables = SimTables()
        let time = clock.wallTime()
        let settings = VersionSettings(runtime: .python, environment: try Environment([:]), limits: .standard)
        tables.functions[key] = Function(
            key: key, access: access, activeVersion: active, createdAt: time, updatedAt: time)
        for (number, state) in states {
            tables.put(
                Version(
                    key: VersionKey(function: key, number: number), artifact: Digest(of: archive), settings: settings,
                    state: state, buildLog: buildLog, createdBy: key.namespace,
                    createdAt: Timestamp(millisecondsSinceEpoch: 0)))
        }
        return tables
    }

    private var ready: Version.State { .ready(bundle: BundleID(Digest(of: archive))) }

    private func answer(
        _ body: String = "tag", namespace: String? = nil, version: String? = "1", known: Instant? = nil
    ) {
        let answer = SimChecker.Answer(
            status: 200, body: Array(body.utf8), namespace: namespace ?? "\(key.namespace)", version: version)
        checker.onAnswer(answer, to: key, requestBody: nil, known: known)
    }

    @Test func acceptsAReadyActiveVersionAndItsAnswer() throws {
        checker.onCommit(key, try tables(active: 1, [1: ready]))
        answer()
        #expect(checker.holds)
    }

    @Test func anActiveVersionThatIsNotReady() throws {
        checker.onCommit(key, try tables(active: 1, [1: .building]))
        #expect(checker.violations.count == 1)
    }

    @Test func anActiveVersionWhoseArchiveIsGone() throws {
        let checker = SimChecker(clock: clock) { _ in false }
        checker.onCommit(key, try tables(active: 1, [1: ready]))
        #expect(checker.violations.count == 1)
    }

    @Test func aReadyVersionThatChanges() throws {
        checker.onCommit(key, try tables(active: 1, [1: ready]))
        checker.onCommit(key, try tables(active: 1, [1: ready], buildLog: "another"))
        #expect(checker.violations.count == 1)
    }

    @Test func aSlowDeployThatTakesThePlaceOfANewerOne() throws {
        checker.onCommit(key, try tables(active: 2, [1: .building, 2: ready]))
        #expect(checker.holds)
        checker.onCommit(key, try tables(active: 1, [1: ready, 2: ready]))
        #expect(checker.violations.count == 1)
    }

    @Test func aRollbackIsNoSlowDeploy() throws {
        checker.onCommit(key, try tables(active: 1, [1: ready, 2: .building]))
        checker.onCommit(key, try tables(active: 2, [1: ready, 2: ready]))
        checker.onCommit(key, try tables(active: 1, [1: ready, 2: ready]))
        #expect(checker.holds)
    }

    @Test(arguments: [("tag", "2"), ("another", "1"), ("tag", "none")])
    func anAnswerOfTheWrongVersion(tag: String, version: String) throws {
        checker.onCommit(key, try tables(active: 1, [1: ready]))
        answer(tag, version: version)
        #expect(!checker.holds)
    }

    @Test func anAnswerOfAnotherNamespace() throws {
        checker.onCommit(key, try tables(active: 1, [1: ready]))
        answer(namespace: "\(Namespace(high: 2, low: 2))")
        #expect(!checker.holds)
    }

    @Test(arguments: [(10, true), (11, false), (nil, true)])
    func anAnswerOfAVersionThatWasActiveBefore(known: Int?, holds: Bool) throws {
        checker.onCommit(key, try tables(active: 1, [1: ready]))
        clock.advance(by: .seconds(10))
        checker.onCommit(key, try tables(active: nil, [1: ready]))
        clock.advance(by: .seconds(2))
        answer(known: known.map { Instant(nanoseconds: Int64($0) * 1_000_000_000) })
        #expect(checker.holds == holds)
    }

    @Test func publicAndClosed() throws {
        let begin = clock.now()
        #expect(checker.wasClosed(key, since: begin))
        #expect(!checker.wasPublic(key, since: begin))
        clock.advance(by: .seconds(10))
        checker.onCommit(key, try tables(active: 1, [1: ready], access: .public))
        clock.advance(by: .seconds(10))
        #expect(!checker.wasClosed(key, since: clock.now()))
        #expect(checker.wasClosed(key, since: begin))
        #expect(checker.wasPublic(key, since: clock.now()))
    }

    @Test func tellsWhetherCallersSeeAChange() throws {
        #expect(try checker.onCommit(key, tables(active: 1, [1: ready])))
        #expect(try !checker.onCommit(key, tables(active: 1, [1: ready, 2: .building])))
        #expect(try checker.onCommit(key, tables(active: 1, [1: ready], access: .public)))
    }

    private func spec() throws -> InstanceSpec {
        let version = try tables(active: 1, [1: ready]).version(VersionKey(function: key, number: 1))
        return InstanceSpec(
            id: InstanceID(version: version.key, ordinal: 1), version: version.key, settings: version.settings,
            bundle: BundleID(Digest(of: archive)))
    }

    @Test func moreInstancesThanAllowed() throws {
        let spec = try spec()
        checker.onStart(spec, machine: Array(repeating: spec, count: 4))
        #expect(checker.holds)
        checker.onStart(spec, machine: Array(repeating: spec, count: 5))
        #expect(!checker.holds)
    }

    @Test(arguments: [Resources(instances: 3), Resources(memoryMB: 3 * 128 + 127)])
    func moreThanAMachineHas(capacity: Resources) throws {
        let checker = SimChecker(clock: SimClock(), capacity: capacity)
        let spec = try spec()
        checker.onStart(spec, machine: Array(repeating: spec, count: 3))
        #expect(checker.holds && checker.marks["machine full"] == 1)
        checker.onStart(spec, machine: Array(repeating: spec, count: 4))
        #expect(!checker.holds)
    }

    @Test func moreThanAUserMayHave() throws {
        let checker = SimChecker(clock: SimClock(), quota: Quota([.instances: 2]))
        let spec = try spec()
        let other = InstanceSpec(
            id: spec.id,
            version: VersionKey(
                function: FunctionKey(namespace: Namespace(high: 7, low: 7), name: key.name), number: 1),
            settings: spec.settings, bundle: spec.bundle)
        checker.onStart(spec, machine: [spec, spec, other])
        #expect(checker.holds)
        checker.onStart(spec, machine: [spec, spec, spec])
        #expect(!checker.holds)
    }

    @Test func whoCallsWhatOthersCallIsNotAlone() {
        #expect(checker.isUncalled(key))
        for _ in 0..<2 { checker.callBegins(key) }
        checker.callEnds(key)
        #expect(!checker.isUncalled(key))
        checker.callEnds(key)
        #expect(checker.isUncalled(key))
    }

    @Test func aServiceThatTakesTooLong() {
        checker.onServed("a call", "it", after: .seconds(3), within: .seconds(3))
        #expect(checker.holds && checker.marks["a call took up to 4 s"] == 1)
        checker.onServed("a call", "it", after: .seconds(40), within: .seconds(3))
        #expect(!checker.holds && checker.marks["a call took more than 32 s"] == 1)
    }

    @Test(arguments: [
        (isHealthy: true, isFound: true, seconds: 10, holds: false), (true, true, 300, true), (true, false, 10, true),
        (false, true, 10, true),
    ])
    func aHealthyInstanceThatAStartingCoreStops(isHealthy: Bool, isFound: Bool, seconds: Int, holds: Bool) throws {
        checker.onCommit(key, try tables(active: 1, [1: ready]))
        clock.advance(by: .seconds(1))
        checker.onBoot("core-1.2")
        clock.advance(by: .seconds(seconds))
        let spec = try spec()
        checker.onStop(SimStop(spec: spec, core: nil, isHealthy: isHealthy, isFound: isFound))
        #expect(checker.holds, "from outside")
        checker.onStop(SimStop(spec: spec, core: "core-1.2", isHealthy: isHealthy, isFound: isFound))
        #expect(checker.holds == holds)
    }

    @Test func anInstanceOfAVersionThatWasReplacedMeanwhileMayBeStopped() throws {
        checker.onCommit(key, try tables(active: 1, [1: ready]))
        clock.advance(by: .seconds(1))
        checker.onBoot("core-1.2")
        clock.advance(by: .seconds(1))
        checker.onCommit(key, try tables(active: 2, [1: ready, 2: ready]))
        clock.advance(by: .seconds(1))
        checker.onStop(SimStop(spec: try spec(), core: "core-1.2", isHealthy: true, isFound: true))
        #expect(checker.holds)
    }

    @Test func moreRequestsThanAllowed() throws {
        checker.onRequest("1", to: try spec(), inFlight: 16)
        #expect(checker.holds)
        checker.onRequest("2", to: try spec(), inFlight: 17)
        #expect(!checker.holds)
    }

    @Test(arguments: ["1", nil])
    func aRequestThatComesTwiceOrWithoutAName(second: String?) throws {
        checker.onRequest("1", to: try spec(), inFlight: 1)
        checker.onRequest(second, to: try spec(), inFlight: 1)
        #expect(!checker.holds)
    }

    @Test(arguments: [(60, true), (61, false)])
    func anInstanceThatStartsLongAfterItsVersionFailed(seconds: Int, holds: Bool) throws {
        checker.onCommit(key, try tables(active: nil, [1: .failed(reason: "it is broken")]))
        clock.advance(by: .seconds(seconds))
        checker.onStart(try spec(), machine: [try spec()])
        #expect(checker.holds == holds)
    }

    @Test(arguments: [(nil, true), (100, true), (101, false)])
    func aRequestToAnInstanceWhoseEndWasTold(milliseconds: Int?, holds: Bool) {
        checker.onRefusal("1", by: .unixSocket("/sim/1"), late: milliseconds.map { .milliseconds($0) })
        #expect(checker.holds == holds)
    }

    @Test(arguments: [(1, false, false), (2, false, true), (1, true, true), (0, true, true)])
    func aRequestThatOneInstanceDidNotTake(refusals: Int, isTaken: Bool, holds: Bool) throws {
        for _ in 0..<refusals { checker.onRefusal("1", by: .unixSocket("/sim/1"), late: nil) }
        if isTaken { checker.onRequest("1", to: try spec(), inFlight: 1) }
        checker.onFunctionFailed("1")
        #expect(checker.holds == holds)
    }

    @Test(arguments: ["store.user", "cache.publish", "engine.list", "builder.bundles", "spool.make"])
    func aWarmCallThatAsksMoreThanItsInstance(effect: String) async {
        let call = SimCall()
        await SimCall.$current.withValue(call) {
            let effects = SimEffects()
            await effects.perform("transport.exchange") {}
            await effects.perform("logs.append") {}
            checker.onAnsweredFromMemory("a call", asked: call.asked)
            #expect(checker.holds)
            await effects.perform(effect) {}
        }
        checker.onAnsweredFromMemory("a call", asked: call.asked)
        #expect(checker.violations.count == 1)
    }
}
