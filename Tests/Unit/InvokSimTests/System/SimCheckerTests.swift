import Invok
import Testing

@testable import InvokSim

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
        _ body: String = "tag", namespace: String? = nil, version: String? = "1", isCalm: Bool = true
    ) {
        let answer = SimChecker.Answer(
            status: 200, body: Array(body.utf8), namespace: namespace ?? "\(key.namespace)", version: version)
        checker.onAnswer(answer, to: key, requestBody: nil, since: clock.now(), isCalm: isCalm)
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

    @Test(arguments: [(1, true, true), (3, true, false), (3, false, true)])
    func anAnswerOfAVersionThatWasActiveBefore(seconds: Int, isCalm: Bool, holds: Bool) throws {
        checker.onCommit(key, try tables(active: 1, [1: ready]))
        clock.advance(by: .seconds(10))
        checker.onCommit(key, try tables(active: nil, [1: ready]))
        clock.advance(by: .seconds(seconds))
        answer(isCalm: isCalm)
        #expect(checker.holds == holds)
    }

    @Test func publicAndClosed() throws {
        let begin = clock.now()
        #expect(checker.wasClosed(key, since: begin, isCalm: true))
        #expect(!checker.wasPublic(key, since: begin, isCalm: true))
        clock.advance(by: .seconds(10))
        checker.onCommit(key, try tables(active: 1, [1: ready], access: .public))
        clock.advance(by: .seconds(10))
        #expect(!checker.wasClosed(key, since: clock.now(), isCalm: true))
        #expect(checker.wasClosed(key, since: begin, isCalm: true))
        #expect(checker.wasPublic(key, since: clock.now(), isCalm: true))
    }

    private func spec() throws -> InstanceSpec {
        let version = try tables(active: 1, [1: ready]).version(VersionKey(function: key, number: 1))
        return InstanceSpec(
            id: InstanceID(version: version.key, ordinal: 1), version: version.key, settings: version.settings,
            bundle: BundleID(Digest(of: archive)))
    }

    @Test func moreInstancesThanAllowed() throws {
        checker.onStart(try spec(), running: 4)
        #expect(checker.holds)
        checker.onStart(try spec(), running: 5)
        #expect(!checker.holds)
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
}
