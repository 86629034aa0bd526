import Invok
import Testing

@testable import InvokSim

/// Each check must be able to fail.
struct SimCheckerTests {
    private let clock = SimClock()
    private let key: FunctionKey
    private let checker: SimChecker
    private let archive: [UInt8] = [1, 2, 3]

    init() throws {
        key = FunctionKey(namespace: Namespace(high: 1, low: 1), name: try FunctionName("hello"))
        checker = SimChecker(clock: clock, staleness: .seconds(40))
        checker.expect("tag", of: archive)
    }

    /// Tables with one function whose version has this state.
    private func tables(active: Int?, _ state: Version.State, buildLog: String = "") throws -> SimTables {
        var tables = SimTables()
        let time = clock.wallTime()
        let settings = VersionSettings(
            runtime: .python, environment: try Environment([:]), limits: .standard)
        tables.functions[key] = Function(
            key: key, access: .private, activeVersion: active, createdAt: time, updatedAt: time)
        tables.put(
            Version(
                key: VersionKey(function: key, number: 1), artifact: Digest(of: archive), settings: settings,
                state: state, buildLog: buildLog, createdBy: key.namespace,
                createdAt: Timestamp(millisecondsSinceEpoch: 0)))
        return tables
    }

    private var ready: Version.State { .ready(bundle: BundleID(Digest(of: archive))) }

    @Test func acceptsAReadyActiveVersionAndItsAnswer() throws {
        checker.onCommit(try tables(active: 1, ready))
        checker.onAnswer("tag", namespace: "\(key.namespace)", version: "1", to: key, since: clock.now())
        #expect(checker.holds)
    }

    @Test func anActiveVersionThatIsNotReady() throws {
        checker.onCommit(try tables(active: 1, .building))
        #expect(checker.violations.count == 1)
    }

    @Test func aReadyVersionThatChanges() throws {
        checker.onCommit(try tables(active: 1, ready))
        checker.onCommit(try tables(active: 1, ready, buildLog: "another"))
        #expect(checker.violations.count == 1)
    }

    @Test(arguments: [("tag", "2"), ("another", "1"), ("tag", "none")])
    func anAnswerOfTheWrongVersion(tag: String, version: String) throws {
        checker.onCommit(try tables(active: 1, ready))
        checker.onAnswer(tag, namespace: "\(key.namespace)", version: version, to: key, since: clock.now())
        #expect(!checker.holds)
    }

    @Test func anAnswerOfAnotherNamespace() throws {
        checker.onCommit(try tables(active: 1, ready))
        checker.onAnswer("tag", namespace: "\(Namespace(high: 2, low: 2))", version: "1", to: key, since: clock.now())
        #expect(!checker.holds)
    }

    @Test(arguments: [(39, true), (41, false)])
    func anAnswerOfAVersionThatWasActiveBefore(seconds: Int, holds: Bool) throws {
        checker.onCommit(try tables(active: 1, ready))
        checker.onCommit(try tables(active: nil, ready))
        clock.advance(by: .seconds(seconds))
        checker.onAnswer("tag", namespace: "\(key.namespace)", version: "1", to: key, since: clock.now())
        #expect(checker.holds == holds)
    }

    @Test func moreInstancesThanAllowed() throws {
        let version = try tables(active: 1, ready).version(VersionKey(function: key, number: 1))
        let spec = InstanceSpec(
            id: InstanceID(version: version.key, ordinal: 1), version: version.key, settings: version.settings,
            bundle: BundleID(Digest(of: archive)))
        checker.onStart(spec, running: 4)
        #expect(checker.holds)
        checker.onStart(spec, running: 5)
        #expect(!checker.holds)
    }
}
