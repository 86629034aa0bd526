import ArgumentParser
import Foundation
import Invok

/// `invok-core`: the server.
@main
struct CoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "invok-core",
        abstract: "The Invok server: self-hosted serverless.",
        discussion: """
            Without any setting it serves on http://127.0.0.1:3000 and keeps everything in one data directory. Settings \
            are environment variables, or lines of a file '.env' in the working directory; an option wins over both:

            \(CoreConfiguration.help)
            """,
        version: "invok-core \(InvokVersion.current)",
        subcommands: [
            MigrateCommand.self, SecretsCommand.self, QuotaCommand.self, AdminCommand.self, DoctorCommand.self,
        ])

    @Option(help: "The address to listen on (SERVER_HOST).")
    var host: String?

    @Option(help: "The port to listen on; 0 for any free one (SERVER_PORT).")
    var port: Int?

    @Option(help: "Where everything is kept (INVOK_DATA_DIR).")
    var dataDir: String?

    func run() async throws {
        var configuration: CoreConfiguration
        do throws(ConfigurationError) {
            configuration = try await CoreConfiguration.load()
            if let host { configuration.host = host }
            if let port { configuration.port = try CoreConfiguration.checkedPort(port, "--port") }
            if let dataDir { configuration.dataDirectory = dataDir }
        } catch {
            throw Failure.configuration(error)
        }
        try await Core(configuration).run()
    }

    /// Ends the process by the status that tells a supervisor whether another try may help (sysexits.h).
    static func main() async {
        // Whatever is made from here on is its owner's alone, unless it says otherwise. Before there is a second thread.
        umask(0o077)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let failure as Failure {
            FileHandle.standardError.write(Data("Error: \(failure)\n".utf8))
            Self.exit(withError: ExitCode(failure.status))
        } catch {
            Self.exit(withError: error)
        }
    }
}

/// Why the server did not start, for the operator.
enum Failure: Error, CustomStringConvertible {
    case configuration(ConfigurationError)
    case start(String, nextStep: String?)

    static func start(_ error: InvokError) -> Failure {
        if error.code == .invalidConfig {
            let parts = [error.message, error.nextStep].compactMap(\.self)
            return .configuration(ConfigurationError(message: parts.joined(separator: "\n")))
        }
        return .start(error.inner.map { "\(error.message): \($0)" } ?? error.message, nextStep: error.nextStep)
    }

    /// EX_CONFIG, or 1 for what may be different next time.
    var status: Int32 {
        switch self {
        case .configuration: 78
        case .start: 1
        }
    }

    var description: String {
        switch self {
        case .configuration(let error): "\(error.message)"
        case .start(let message, let nextStep): nextStep.map { "\(message)\n\($0)" } ?? message
        }
    }
}
