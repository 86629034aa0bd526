import InvokSim
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct FunctionLogsTests {
    private func write(_ rig: Rig, _ key: FunctionKey, _ texts: [String]) async throws {
        let lines = texts.map { LogLine(time: rig.sim.clock.wallTime(), source: .stdout, instance: nil, text: $0) }
        try await rig.sim.logs.append(lines, to: key)
    }

    private func rig(_ logs: (any LogStore)? = nil, on sim: SimWorld) async throws -> (Rig, Principal, FunctionKey) {
        let rig = Rig(on: sim) { world, _ in if let logs { world.logs = logs } }
        let owner = try await rig.user()
        let key = try rig.key(owner)
        let settings = VersionSettings(runtime: .python, environment: .empty, limits: .standard)
        _ = try await sim.store.beginVersion(
            VersionDraft(
                function: key, artifact: Digest(of: "".utf8), settings: settings, createdBy: owner.user.id,
                createdAt: sim.clock.wallTime()), access: .private)
        return (rig, owner, key)
    }

    @Test func theLastLinesAreRead() async throws {
        let (rig, owner, key) = try await rig(on: SimWorld(seed: 1))
        try await write(rig, key, ["a", "b"])
        let since = rig.sim.clock.wallTime().advanced(by: .seconds(1))
        rig.sim.clock.advance(by: .seconds(1))
        try await write(rig, key, ["c"])
        func read(_ since: Timestamp?, _ limit: Int) async throws -> [String] {
            try await rig.logs.recent(of: key, since: since, limit: limit, as: owner).map(\.line.text)
        }
        #expect(try await read(nil, 2) == ["b", "c"])
        #expect(try await read(since, 9) == ["c"])
        #expect(try await read(nil, -1) == [])
        #expect(try await read(nil, .max) == ["a", "b", "c"])
        let stranger = try await rig.user("stranger")
        #expect(await code { try await rig.logs.recent(of: key, since: nil, limit: 1, as: stranger) } == .notFound)
        #expect(
            await code { try await rig.logs.follow(key, since: nil, after: nil, limit: 1, as: stranger) } == .notFound)
    }

    /// Lines come while the backlog is read: at each place between, and with little room in the backlog.
    @Test(arguments: [(1, 1), (2, 1), (1, 3), (2, 3), (1, 100), (2, 100)])
    func noLineIsLostOrDoubledBetweenBacklogAndLive(call: Int, limit: Int) async throws {
        let sim = SimWorld(seed: 1)
        let store = BusyLogStore(sim.logs, beforeCall: call) { texts in
            let owner = try? await sim.store.user(withEmail: Email("owner@example.com"))
            guard let owner, let name = try? FunctionName("hello") else { return }
            let lines = texts.map { LogLine(time: sim.clock.wallTime(), source: .stdout, instance: nil, text: $0) }
            try? await sim.logs.append(lines, to: FunctionKey(namespace: owner.id, name: name))
        }
        let (rig, owner, key) = try await rig(store, on: sim)
        try await write(rig, key, ["1", "2", "3"])
        let following = try await rig.logs.follow(key, since: nil, after: nil, limit: limit, as: owner)
        try await write(rig, key, ["6", "end"])
        var seen: [String] = []
        for await entry in following {
            if entry.line.text == "end" { break }
            seen.append(entry.line.text)
        }
        let all = ["1", "2", "3", "4", "5", "6"]
        #expect(seen == Array(all.suffix(seen.count)))
        #expect(seen.count >= min(all.count, limit + 1))
    }

    @Test func onlyWhatMatchesIsReadAndFollowed() async throws {
        let (rig, owner, key) = try await rig(on: SimWorld(seed: 1))
        try await write(rig, key, ["a 1", "b 1", "a 2", "b 2"])
        let filter = LogFilter(pattern: try TextPattern("^a"))
        let recent = try await rig.logs.recent(of: key, since: nil, limit: 1, matching: filter, as: owner)
        #expect(recent.map(\.line.text) == ["a 2"])
        let first = try await rig.logs.recent(of: key, since: nil, limit: 9, as: owner)[0].cursor
        for (after, expected) in [(LogCursor?.none, ["a 1", "a 2", "a 3"]), (first, ["a 2", "a 3"])] {
            let lines = try await rig.logs.follow(
                key, since: nil, after: after, limit: 9, matching: filter, as: owner)
            if after == nil { try await write(rig, key, ["b 3", "a 3"]) }
            var seen: [String] = []
            for await entry in lines {
                seen.append(entry.line.text)
                if seen.count == expected.count { break }
            }
            #expect(seen == expected)
        }
    }

    @Test func aReaderGoesOnBehindItsCursor() async throws {
        let (rig, owner, key) = try await rig(on: SimWorld(seed: 1))
        try await write(rig, key, ["1", "2", "3"])
        let second = try await rig.logs.recent(of: key, since: nil, limit: 2, as: owner)[0]
        let following = try await rig.logs.follow(key, since: nil, after: second.cursor, limit: 0, as: owner)
        for await entry in following {
            #expect(entry.line.text == "3")
            break
        }
    }
}

/// Gets two lines more just before one of its reads.
private final class BusyLogStore: LogStore {
    private let base: SimLogStore
    private let call: Int
    private let write: @Sendable ([String]) async -> Void
    private let reads = Counter()

    init(_ base: SimLogStore, beforeCall call: Int, write: @Sendable @escaping ([String]) async -> Void) {
        self.base = base
        self.call = call
        self.write = write
    }

    func append(_ lines: [LogLine], to function: FunctionKey) async throws(LogError) {
        try await base.append(lines, to: function)
    }
    func lines(
        of function: FunctionKey, since: Timestamp?, limit: Int, matching filter: LogFilter
    ) async throws(LogError) -> [LogEntry] {
        if reads.next() == call { await write(["4", "5"]) }
        return try await base.lines(of: function, since: since, limit: limit, matching: filter)
    }
    func follow(_ function: FunctionKey, after: LogCursor?, matching filter: LogFilter) -> AsyncStream<LogEntry> {
        base.follow(function, after: after, matching: filter)
    }
    func functions() async throws(LogError) -> Set<FunctionKey> { try await base.functions() }
    func remove(_ function: FunctionKey) async throws(LogError) { try await base.remove(function) }
}
