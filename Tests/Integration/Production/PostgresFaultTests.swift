import Foundation
import Invok
import InvokEmbedded
import Logging
import Synchronization
import TestSupport
import Testing

@testable import InvokPostgres

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// What the store does when PostgreSQL goes away, ends a session, or stops answering.
@Suite(.enabled(if: Services.areSelected), .timeLimit(.minutes(3)))
struct PostgresFaultTests {
    private func open(_ url: String) async throws -> PostgresMetadataStore {
        try await PostgresMetadataStore.open(PostgresTarget(url: url), clock: SystemClock(), logger: quiet)
    }

    private func pool(_ url: String, statementTimeout: Duration = .seconds(5)) throws -> ConnectionPool {
        ConnectionPool(
            try PostgresTarget(url: url), statementTimeout: statementTimeout, clock: SystemClock(), logger: quiet)
    }

    private func user(_ number: UInt64) throws -> User {
        User(
            id: UUIDValue(high: 7, low: number), email: try Email("user\(number)@example.com"), passwordHash: "hash",
            role: .developer, createdAt: Timestamp(millisecondsSinceEpoch: 1_700_000_000_123))
    }

    private func draft(_ user: User) throws -> VersionDraft {
        VersionDraft(
            function: FunctionKey(namespace: user.id, name: try FunctionName("hello")), artifact: Digest(of: [1]),
            settings: VersionSettings(runtime: .python, environment: .empty, limits: .standard), createdBy: user.id,
            createdAt: user.createdAt)
    }

    private func isUnavailable(_ call: () async throws -> some Any) async throws -> Bool {
        do {
            _ = try await call()
            return false
        } catch StoreError.unavailable {
            return true
        }
    }

    @Test func aServerThatIsAwayIsSaidAtOnceAndComesBack() async throws {
        try await OwnServices.with("postgres") { services in
            let store = try await open(services.databaseURL)
            let user = try await store.createUser(user(1))
            try await services.stop("postgres")
            let began = ContinuousClock.now
            for _ in 0..<20 { #expect(try await isUnavailable { try await store.user(user.id) }) }
            #expect(began.duration(to: .now) < .seconds(3))
            try await services.start("postgres")
            try await eventually("it serves again") { try await !isUnavailable { try await store.check() } }
            #expect(try await store.user(user.id) == user)
            store.close()
        }
    }

    /// What was acknowledged is there; what was not may be, once.
    @Test func aRestartUnderLoadLosesNothingThatWasAcknowledged() async throws {
        try await OwnServices.with("postgres") { services in
            let store = try await open(services.databaseURL)
            let user = try await store.createUser(user(1))
            let draft = try draft(user)
            let stop = Flag()
            let (acknowledged, inDoubt) = try await withThrowingTaskGroup(of: (Set<Int>, Int).self) { group in
                for _ in 0..<12 {
                    group.addTask {
                        var (numbers, failures) = (Set<Int>(), 0)
                        while !stop.isSet {
                            do throws(StoreError) {
                                let number = try await store.beginVersion(draft, access: .private).key.number
                                #expect(numbers.insert(number).inserted)
                            } catch .unavailable {
                                failures += 1
                                try await Task.sleep(for: .milliseconds(5))
                            }
                        }
                        return (numbers, failures)
                    }
                }
                for _ in 0..<2 {
                    try await services.stop("postgres")
                    try await services.start("postgres")
                    try await eventually("it serves again") { try await !isUnavailable { try await store.check() } }
                }
                stop.set()
                return try await group.reduce(into: (Set<Int>(), 0)) { sum, part in
                    #expect(sum.0.isDisjoint(with: part.0))
                    sum.0.formUnion(part.0)
                    sum.1 += part.1
                }
            }
            let stored = Set(try await store.versions(of: draft.function).map(\.key.number))
            #expect(acknowledged.isSubset(of: stored))
            #expect(stored.count <= acknowledged.count + inDoubt)
            #expect(!acknowledged.isEmpty && inDoubt > 0)
            store.close()
        }
    }

    @Test func aSessionThatEndsWithinATransactionCostsOneMoreTry() async throws {
        try await Services.withSchema { url in
            let store = try await open(url)
            let pool = try pool(url)
            let tries = Tries()
            try await pool.write { connection in
                try connection.execute("UPDATE health_check SET checks = checks + 1")
                if tries.next() == 1 { try connection.execute("SELECT pg_terminate_backend(pg_backend_pid())") }
            }.get()
            #expect(tries.count == 2)
            let checks = try await pool.read {
                try $0.execute("SELECT checks FROM health_check").first?.text("checks")
            }.get()
            #expect(checks == "1")
            store.close()
            pool.close()
        }
    }

    @Test func aSessionThatEndsWhileItCommitsIsInDoubt() async throws {
        try await Services.withSchema { url in
            let store = try await open(url)
            let pool = try pool(url)
            let newcomer = try user(1)
            try await pool.write { connection in
                _ = try connection.run(
                    """
                    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
                        BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
                    CREATE CONSTRAINT TRIGGER die AFTER INSERT ON invok_user DEFERRABLE INITIALLY DEFERRED
                        FOR EACH ROW EXECUTE FUNCTION die();
                    """)
            }.get()
            do throws(StoreError) {
                _ = try await store.createUser(newcomer)
                Issue.record("it was acknowledged")
            } catch {
                guard case .unavailable(let reason) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect(reason.contains("may or may not have been made"))
            }
            store.close()
            pool.close()
        }
    }

    @Test func deadlocksAreTriedAgain() async throws {
        try await Services.withSchema { url in
            let pool = try pool(url)
            try await pool.write { connection in
                try connection.run("CREATE TABLE pair (id integer PRIMARY KEY, n integer NOT NULL)")
                _ = try connection.run("INSERT INTO pair VALUES (1, 0), (2, 0)")
            }.get()
            try await withThrowingTaskGroup { group in
                for order in [[1, 2], [2, 1]] {
                    group.addTask {
                        try await pool.write { connection in
                            for id in order {
                                try connection.execute("UPDATE pair SET n = n + 1 WHERE id = $1", [.integer(id)])
                                // Long enough for the other one to take its first row.
                                try connection.execute("SELECT pg_sleep(0.3)")
                            }
                        }.get()
                    }
                }
                try await group.waitForAll()
            }
            let sum = try await pool.read { try $0.execute("SELECT sum(n) AS n FROM pair").first?.integer("n") }.get()
            #expect(sum == 4)
            pool.close()
        }
    }

    @Test func aStatementThatTakesTooLongEnds() async throws {
        let pool = try pool(Services.databaseURL(), statementTimeout: .milliseconds(200))
        let began = ContinuousClock.now
        let result = await pool.read { try $0.execute("SELECT pg_sleep(60)").count }
        guard case .failure(PostgresError.refused(let state, _)) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(state.code == "57014")
        #expect(began.duration(to: .now) < .seconds(10))
        pool.close()
    }

    /// A server that says nothing any more, and does not close the connection either.
    @Test func aServerThatHangsCostsTheDeadline() async throws {
        let pool = try pool(Services.databaseURL(), statementTimeout: .milliseconds(200))
        let pid = try await pool.read {
            try $0.execute("SELECT pg_backend_pid() AS pid").first?.integer("pid")
        }.get()
        let backend = Int32(try #require(pid))
        try #require(kill(backend, SIGSTOP) == 0)
        defer { kill(backend, SIGCONT) }
        let began = ContinuousClock.now
        // The first session hangs; the work is run again on another one.
        let answer = try await pool.read { try $0.execute("SELECT 1 AS one").first?.integer("one") }.get()
        #expect(answer == 1)
        #expect(began.duration(to: .now) >= .milliseconds(200))
        pool.close()
    }

    @Test func textWithANULByteIsRefusedAndLogsAreShown() async throws {
        try await Services.withSchema { url in
            let store = try await open(url)
            var user = try user(1)
            user.passwordHash = "a\0b"
            let refused = user
            #expect(try await isUnavailable { try await store.createUser(refused) })
            user.passwordHash = "hash"
            let stored = try await store.createUser(user)
            let version = try await store.beginVersion(draft(stored), access: .private)
            try await store.failVersion(version.key, reason: "it \0 failed", buildLog: "\0")
            #expect(try await store.version(version.key)?.state == .failed(reason: "it \u{FFFD} failed"))
            store.close()
        }
    }

    // MARK: Start

    @Test func whatKeepsTheServerFromStartingIsNamedWithTheNextStep() async throws {
        let url = try Services.databaseURL()
        let password = try #require(url.split(separator: ":").dropFirst(2).first?.split(separator: "@").first)
        let cases = [
            (url.replacing(password, with: "wrong"), "check the user and the password"),
            (url.replacing("/postgres", with: "/nowhere", maxReplacements: 3), "createdb nowhere"),
            ("postgres://invok:\(password)@127.0.0.1:1/postgres", "check that the server runs"),
            (url + "?sslmode=require", "sslmode"),
        ]
        for (url, nextStep) in cases {
            do {
                _ = try await open(url)
                Issue.record("it opened: \(nextStep)")
            } catch let error as InvokError {
                #expect(error.code == .unavailable)
                #expect(error.nextStep?.contains(nextStep) == true, "\(error)")
                #expect(!"\(error)".contains(password))
            }
        }
    }

    @Test func manyMayStartAtOnceOnAnEmptyDatabase() async throws {
        try await Services.withSchema { url in
            try await withThrowingTaskGroup { group in
                for _ in 0..<6 { group.addTask { try await open(url).close() } }
                try await group.waitForAll()
            }
        }
    }
}

/// Counts from 1.
private final class Tries: Sendable {
    private let counter = Mutex(0)

    var count: Int { counter.withLock { $0 } }

    func next() -> Int {
        counter.withLock { counter in
            counter += 1
            return counter
        }
    }
}
