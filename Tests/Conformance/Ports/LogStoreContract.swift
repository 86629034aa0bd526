import Invok
import Testing

/// What every `LogStore` promises.
@Suite(.timeLimit(.minutes(1)))
struct LogStoreContract {
    typealias Store = Candidate<Durable<any LogStore>>

    private static let one = key(1, "one")
    private static let two = key(1, "two")
    /// One name in two namespaces.
    private static let foreign = key(2, "one")

    private static func key(_ namespace: UInt64, _ name: String) -> FunctionKey {
        guard let name = try? FunctionName(name) else { preconditionFailure("\(name) is no function name") }
        return FunctionKey(namespace: Namespace(high: 0, low: namespace), name: name)
    }

    private static func line(_ text: String, at seconds: Int64 = 1, _ source: LogLine.Source = .stdout) -> LogLine {
        LogLine(
            time: Timestamp(millisecondsSinceEpoch: 1_700_000_000_000 + seconds * 1000), source: source,
            instance: InstanceID(version: VersionKey(function: one, number: 2), ordinal: 7), text: text)
    }

    private static func texts(_ entries: [LogEntry]) -> [String] { entries.map(\.line.text) }

    @Test(arguments: Store.logStores)
    func keepsLinesAsTheyAre(_ candidate: Store) async throws {
        try await candidate.run { store in
            let lines = [
                Self.line("plain"), Self.line(""), Self.line("a\\nb\\"), Self.line("tab\tand\u{1B}[31mred\u{0}\r"),
                Self.line("two\nlines\n"), Self.line("\u{1F600} ünï"), Self.line("bad", at: 2, .stderr),
                LogLine(time: Timestamp(millisecondsSinceEpoch: -1), source: .platform, instance: nil, text: "started"),
            ]
            try await store.port.append(lines, to: Self.one)
            #expect(try await store.port.lines(of: Self.one, since: nil, limit: 100).map(\.line) == lines)
            let reopened = try await store.reopen()
            #expect(try await reopened.lines(of: Self.one, since: nil, limit: 100).map(\.line) == lines)
        }
    }

    @Test(arguments: Store.logStores)
    func anEmptyLogHasNoLines(_ candidate: Store) async throws {
        try await candidate.run { store in
            #expect(try await store.port.lines(of: Self.one, since: nil, limit: 10).isEmpty)
            try await store.port.append([], to: Self.one)
            #expect(try await store.port.lines(of: Self.one, since: nil, limit: 10).isEmpty)
        }
    }

    @Test(arguments: Store.logStores)
    func givesTheNewestLinesOldestFirst(_ candidate: Store) async throws {
        try await candidate.run { store in
            for number in 1...10 {
                try await store.port.append([Self.line("\(number)", at: Int64(number))], to: Self.one)
            }
            let last = try await store.port.lines(of: Self.one, since: nil, limit: 3)
            #expect(Self.texts(last) == ["8", "9", "10"])
            let since = try await store.port.lines(of: Self.one, since: Self.line("", at: 7).time, limit: 100)
            #expect(Self.texts(since) == ["7", "8", "9", "10"])
            let both = try await store.port.lines(of: Self.one, since: Self.line("", at: 7).time, limit: 2)
            #expect(Self.texts(both) == ["9", "10"])
            #expect(try await store.port.lines(of: Self.one, since: nil, limit: 0).isEmpty)
        }
    }

    @Test(arguments: Store.logStores)
    func functionsDoNotShareALog(_ candidate: Store) async throws {
        try await candidate.run { store in
            try await store.port.append([Self.line("of one")], to: Self.one)
            try await store.port.append([Self.line("of two")], to: Self.two)
            try await store.port.append([Self.line("of foreign")], to: Self.foreign)
            #expect(try await store.port.functions() == [Self.one, Self.two, Self.foreign])
            try await store.port.remove(Self.two)
            #expect(try await store.port.functions() == [Self.one, Self.foreign])
            #expect(Self.texts(try await store.port.lines(of: Self.one, since: nil, limit: 9)) == ["of one"])
            #expect(Self.texts(try await store.port.lines(of: Self.two, since: nil, limit: 9)).isEmpty)
            #expect(Self.texts(try await store.port.lines(of: Self.foreign, since: nil, limit: 9)) == ["of foreign"])
        }
    }

    @Test(arguments: Store.logStores)
    func cutsLongLinesBetweenCharacters(_ candidate: Store) async throws {
        try await candidate.run { store in
            let exact = String(repeating: "x", count: LogLine.maximumBytes)
            let long = String(repeating: "x", count: LogLine.maximumBytes - 1) + "\u{1F600}" + exact
            try await store.port.append([Self.line(exact)], to: Self.one)
            #expect(Self.texts(try await store.port.lines(of: Self.one, since: nil, limit: 1)) == [exact])
            try await store.port.append([Self.line(long)], to: Self.one)
            let kept = try await store.port.lines(of: Self.one, since: nil, limit: 1)
            #expect(Self.texts(kept) == [exact.dropLast() + " … [262,148 bytes cut]"])
        }
    }

    @Test(arguments: Store.logStores)
    func cursorsGrowByOneAndAreNeverUsedAgain(_ candidate: Store) async throws {
        try await candidate.run { store in
            try await store.port.append([Self.line("1"), Self.line("2")], to: Self.one)
            let reopened = try await store.reopen()
            try await reopened.append([Self.line("3")], to: Self.one)
            let before = try await reopened.lines(of: Self.one, since: nil, limit: 9).map(\.cursor.sequence)
            let first = try #require(before.first)
            #expect(before == [first, first + 1, first + 2])
            try await reopened.remove(Self.one)
            let again = try await store.reopen()
            try await again.append([Self.line("4", at: 2)], to: Self.one)
            let after = try await again.lines(of: Self.one, since: nil, limit: 9).map(\.cursor.sequence)
            #expect(after.count == 1 && after[0] > first + 2)
        }
    }

    @Test(arguments: Store.logStores)
    func capsALogByDroppingTheOldestLines(_ candidate: Store) async throws {
        try await candidate.run { store in
            let filler = String(repeating: "x", count: 200)
            for batch in 0..<40 {
                try await store.port.append((0..<100).map { Self.line("\(batch * 100 + $0) \(filler)") }, to: Self.one)
            }
            let entries = try await store.port.lines(of: Self.one, since: nil, limit: 10_000)
            #expect((200...2000).contains(entries.count))
            #expect(entries.last?.line.text == "3999 \(filler)")
            let sequences = entries.map(\.cursor.sequence)
            #expect(sequences == Array((sequences.first ?? 0)...(sequences.last ?? 0)))
        }
    }

    @Test(arguments: Store.logStores)
    func followsNewLinesOnly(_ candidate: Store) async throws {
        try await candidate.run { store in
            try await store.port.append([Self.line("old")], to: Self.one)
            let stream = store.port.follow(Self.one, after: nil)
            try await store.port.append([Self.line("other")], to: Self.two)
            try await store.port.append([Self.line("new 1"), Self.line("new 2")], to: Self.one)
            #expect(Self.texts(await stream.first(2)) == ["new 1", "new 2"])
        }
    }

    @Test(arguments: Store.logStores)
    func followsFromACursorAndThenEachNewLine(_ candidate: Store) async throws {
        try await candidate.run { store in
            try await store.port.append((1...5).map { Self.line("\($0)") }, to: Self.one)
            let cursor = try await store.port.lines(of: Self.one, since: nil, limit: 3)[0].cursor
            let reopened = try await store.reopen()
            let stream = reopened.follow(Self.one, after: cursor)
            let reader = Task { await stream.first(4) }
            try await reopened.append([Self.line("6")], to: Self.one)
            try await reopened.append([Self.line("7")], to: Self.one)
            #expect(Self.texts(await reader.value) == ["4", "5", "6", "7"])
        }
    }

    @Test(arguments: Store.logStores)
    func aCursorThatIsRotatedAwayStartsAtTheOldestLine(_ candidate: Store) async throws {
        try await candidate.run { store in
            try await store.port.append([Self.line("first")], to: Self.one)
            let cursor = try await store.port.lines(of: Self.one, since: nil, limit: 1)[0].cursor
            let filler = String(repeating: "x", count: 200)
            for _ in 0..<40 {
                try await store.port.append((0..<100).map { Self.line("\($0) \(filler)") }, to: Self.one)
            }
            let oldest = try await store.port.lines(of: Self.one, since: nil, limit: 10_000)[0]
            #expect(oldest.cursor.sequence > cursor.sequence + 1)
            #expect(await store.port.follow(Self.one, after: cursor).first(1) == [oldest])
        }
    }

    @Test(arguments: Store.logStores)
    func followersLoseNothingWhileManyAppend(_ candidate: Store) async throws {
        try await candidate.run { store in
            let streams = (0..<3).map { _ in store.port.follow(Self.one, after: nil) }
            try await withThrowingTaskGroup(of: [LogEntry].self) { group in
                for stream in streams { group.addTask { await stream.first(200) } }
                for writer in 0..<4 {
                    group.addTask {
                        for number in 0..<50 {
                            try await store.port.append([Self.line("\(writer) \(number)")], to: Self.one)
                        }
                        return []
                    }
                }
                for try await entries in group where !entries.isEmpty {
                    #expect(Set(Self.texts(entries)).count == 200)
                    #expect(entries == entries.sorted { $0.cursor < $1.cursor })
                }
            }
        }
    }

    private static let levels = [
        #"{"level":"info","http":{"status":200}}"#, "plain error", #"{"level":"error","http":{"status":500}}"#,
        #"{"level":"error","http":{"status":404}}"#, "{broken",
    ]

    @Test(arguments: Store.logStores)
    func givesTheNewestLinesThatMatch(_ candidate: Store) async throws {
        try await candidate.run { store in
            try await store.port.append(Self.levels.map { Self.line($0) }, to: Self.one)
            // Behind so many others that they are not among the last lines.
            try await store.port.append((0..<500).map { Self.line("\($0)") }, to: Self.one)
            let errors = LogFilter(conditions: [try LogCondition("level=error")])
            func read(_ filter: LogFilter, _ limit: Int) async throws -> [String] {
                Self.texts(try await store.port.lines(of: Self.one, since: nil, limit: limit, matching: filter))
            }
            #expect(try await read(errors, 9) == [Self.levels[2], Self.levels[3]])
            #expect(try await read(errors, 1) == [Self.levels[3]])
            #expect(try await read(errors, 0) == [])
            #expect(try await read(LogFilter(pattern: try TextPattern("erro?r$")), 9) == ["plain error"])
        }
    }

    @Test(arguments: Store.logStores)
    func followsTheLinesThatMatch(_ candidate: Store) async throws {
        try await candidate.run { store in
            let stream = store.port.follow(
                Self.one, after: nil, matching: LogFilter(conditions: [try LogCondition("http.status=404")]))
            let reader = Task { await stream.first(2) }
            // Others before, between and behind, and in another log.
            for _ in 0..<2 {
                try await store.port.append(Self.levels.map { Self.line($0) }, to: Self.two)
                try await store.port.append((0..<300).map { Self.line("\($0)") }, to: Self.one)
                try await store.port.append(Self.levels.map { Self.line($0) }, to: Self.one)
                try await store.port.append([Self.line("x")], to: Self.one)
            }
            #expect(Self.texts(await reader.value) == [Self.levels[3], Self.levels[3]])
        }
    }

    @Test(arguments: Store.logStores)
    func followingEndsWithTheTask(_ candidate: Store) async throws {
        try await candidate.run { store in
            let stream = store.port.follow(Self.one, after: nil)
            let reader = Task { await stream.first(1) }
            reader.cancel()
            #expect(await reader.value.isEmpty)
        }
    }

    @Test(arguments: Store.logStores)
    func removingDoesNothingWhenThereIsNoLog(_ candidate: Store) async throws {
        try await candidate.run { try await $0.port.remove(Self.one) }
    }
}

extension AsyncStream<LogEntry> {
    /// The next elements, fewer when the stream ends.
    fileprivate func first(_ count: Int) async -> [LogEntry] {
        var entries: [LogEntry] = []
        for await entry in self {
            entries.append(entry)
            if entries.count == count { break }
        }
        return entries
    }
}
