import Foundation
import Invok
import Logging
import TestSupport
import Testing

@testable import InvokPostgres

/// Which servers may share a database.
@Suite(.enabled(if: Services.areSelected), .timeLimit(.minutes(3)))
struct CoreLockTests {
    private static let held =
        "FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND classid::bigint << 32 | objid::bigint"
        + " = hashtextextended('invok core ' || current_schema(), 0)"

    private func take(
        _ url: String, _ mode: PostgresCoreLock.Mode, patience: Duration = .milliseconds(300)
    ) async throws -> PostgresCoreLock {
        try await PostgresCoreLock.take(
            PostgresTarget(url: url), mode, patience: patience, interval: .milliseconds(50),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func isRefused(_ url: String, _ mode: PostgresCoreLock.Mode) async throws -> Bool {
        do throws(InvokError) {
            try await PostgresCoreLock.take(
                PostgresTarget(url: url), mode, patience: .milliseconds(300), interval: .seconds(1),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            ).close()
            return false
        } catch {
            #expect(error.code == .conflict)
            #expect(error.nextStep?.contains("REDIS_URL") == true)
            return true
        }
    }

    @Test func manyWithRedisOrOneWithout() async throws {
        try await Services.withSchema { url in
            let shared = [try await take(url, .shared), try await take(url, .shared)]
            #expect(try await isRefused(url, .exclusive))
            for lock in shared { lock.close() }
            let alone = try await take(url, .exclusive, patience: .seconds(30))
            #expect(try await isRefused(url, .exclusive))
            #expect(try await isRefused(url, .shared))
            // Another installation in the same database server has nothing to do with it.
            try await Services.withSchema { other in try await take(other, .exclusive).close() }
            alone.close()
            try await take(url, .shared, patience: .seconds(30)).close()
        }
    }

    @Test func aLostSessionTakesItAgain() async throws {
        try await Services.withSchema { url in
            let lock = try await take(url, .exclusive)
            let before = try await Services.sql("SELECT pid \(Self.held)", in: url)
            try await Services.sql("SELECT pg_terminate_backend(\(before))", in: url)
            try await eventually("another session has it") {
                let now = try await Services.sql("SELECT pid \(Self.held)", in: url)
                return !now.isEmpty && now != before
            }
            #expect(lock.isHeld)
            lock.close()
        }
    }

    /// Both serve on, and the first takes it again once the other is gone.
    @Test func whoLosesItToAnotherWaitsForItsEnd() async throws {
        try await Services.withSchema { url in
            let first = try await take(url, .exclusive)
            let session = try await Services.sql("SELECT pid \(Self.held)", in: url)
            // It waits already when the first is cut off.
            async let taking = take(url, .exclusive, patience: .seconds(30))
            try await eventually("the second waits") {
                try await Services.sql(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
                        + "AND \(session) = ANY (pg_blocking_pids(pid))", in: url) == "1"
            }
            try await Services.sql("SELECT pg_terminate_backend(\(session))", in: url)
            let second = try await taking
            try await eventually("the first has noticed") { !first.isHeld }
            #expect(second.isHeld)
            second.close()
            try await eventually("the first has it again") { first.isHeld }
            first.close()
        }
    }

    @Test func aSecondServerWithoutRedisIsToldWhatToDo() async throws {
        try await Services.withSchema { url in
            try await withFolder { folder in
                let environment = [
                    "DATABASE_URL": url, "AUTH_JWT_SECRET": TwoCores.secret, "INVOK_SECRETS_KEY": TwoCores.secret,
                ]
                let first = try await CoreProcess.start(
                    dataDirectory: folder.appending(path: "1").path, port: 0, environment: environment)
                let second = try await CoreRun.run(
                    ["--port", "0", "--data-dir", folder.appending(path: "2").path], environment: environment,
                    in: folder)
                #expect(second.status == 1)
                #expect(second.errors.contains("set the same REDIS_URL for every core of a database"))
                await first.end(with: SIGTERM)
                // The next one is let in as soon as the first is gone.
                let third = try await CoreProcess.start(
                    dataDirectory: folder.appending(path: "2").path, port: 0, environment: environment)
                await third.end(with: SIGTERM)
            }
        }
    }
}
