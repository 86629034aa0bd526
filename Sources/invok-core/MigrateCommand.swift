import ArgumentParser
import Invok
import InvokEmbedded
import InvokPostgres
import InvokSQLite
import Logging

/// `invok-core migrate`: brings the database's schema up to date, which the server does at its start as well.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Bring the database's schema up to date, or show its state.",
        discussion: """
            The server does the same when it starts. The database is the one of DATABASE_URL, or else SQLite in the \
            data directory, which must not be in use then.
            """)

    @Flag(help: "Only show which steps the database has. Ends with status 3 when some are missing.")
    var status = false

    /// It has `--data-dir`.
    @ParentCommand var core: CoreCommand

    /// What `--status` ends with when the schema is not up to date.
    static let pendingStatus: Int32 = 3

    private struct Step {
        let number: Int
        let name: String
        let isApplied: Bool
    }

    func run() async throws {
        let configuration: CoreConfiguration
        do throws(ConfigurationError) {
            var loaded = try await CoreConfiguration.load()
            if let dataDir = core.dataDir { loaded.dataDirectory = dataDir }
            configuration = loaded
        } catch {
            throw Failure.configuration(error)
        }
        let steps: [Step]
        do throws(InvokError) {
            if let url = configuration.databaseURL {
                steps = try await postgres(PostgresTarget(url: url))
            } else {
                steps = try sqlite(configuration.dataDirectory)
            }
        } catch {
            throw Failure.start(error)
        }
        for step in steps { print("\(step.number)  \(step.isApplied ? "applied" : "missing")  \(step.name)") }
        if steps.contains(where: { !$0.isApplied }) { throw ExitCode(Self.pendingStatus) }
    }

    private func postgres(_ target: PostgresTarget) async throws(InvokError) -> [Step] {
        let (clock, logger) = (SystemClock(), Logger(label: "invok") { _ in SwiftLogNoOpLogHandler() })
        if !status { try await PostgresMetadataStore.open(target, clock: clock, logger: logger).close() }
        return try await PostgresSchema.steps(of: target, clock: clock, logger: logger).map {
            Step(number: $0.number, name: $0.name, isApplied: $0.isApplied)
        }
    }

    private func sqlite(_ path: String) throws(InvokError) -> [Step] {
        let directory: DataDirectory
        do throws(DataDirectoryError) {
            directory = try DataDirectory(path: path)
        } catch {
            throw InvokError(.unavailable, "\(error)")
        }
        defer { withExtendedLifetime(directory) {} }
        if !status { _ = try SQLiteMetadataStore(path: directory.database) }
        return try SQLiteSchema.steps(of: directory.database).map {
            Step(number: $0.number, name: $0.name, isApplied: $0.isApplied)
        }
    }
}
