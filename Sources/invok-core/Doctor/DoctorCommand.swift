import ArgumentParser
import Foundation
import Invok
import InvokProxy

/// `invok-core doctor`: looks at a running installation as a stranger, a caller and a function would, and says what holds.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Try what must not work against a running server, and say what holds.",
        discussion: """
            Sends requests that must be refused, looks at the files' modes, and, with the token of a login in \
            INVOK_TOKEN, deploys a function that tells what it sees, calls it once and deletes it. Nothing that it does \
            harms a server that is as it should be; docs/security.md says what each line means. Ends with status 1 when \
            something does not hold.
            """)

    @Flag(help: "Check the walls between the server, its callers and its functions.")
    var security = false

    @Option(help: "Where the server listens, as http://HOST:PORT or https://HOST:PORT; itself, not a proxy before it.")
    var server: String?

    @ParentCommand var core: CoreCommand

    func validate() throws {
        guard security else { throw ValidationError("Say what to look at: invok-core doctor --security") }
    }

    func run() async throws {
        let configuration: CoreConfiguration
        do throws(ConfigurationError) {
            configuration = try await CoreConfiguration.load()
        } catch {
            throw Failure.configuration(error)
        }
        let client = try client(configuration)
        let directory = core.dataDir ?? configuration.dataDirectory
        var checks: [SecurityCheck]
        do {
            guard try await client.request("GET", "/healthz").status == 200 else {
                throw Failure.start(
                    "\(client.url) does not answer as an Invok server", nextStep: "Name it by --server.")
            }
            checks = try await WireChecks(client: client).run() + OriginChecks(client: client).run()
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure.start(
                "no server answers at \(client.url): \(error)",
                nextStep: "Start invok-core, or name where it listens by --server http://HOST:PORT.")
        }
        checks += FileChecks(directory: directory).run()
        checks += try await sandbox(client)
        for check in checks { print(check.text) }
        let broken = checks.count(where: \.isBroken)
        let skipped = checks.count { if case .skipped = $0.verdict { true } else { false } }
        print("\(checks.count - broken - skipped) hold, \(broken) broken, \(skipped) skipped")
        if broken > 0 { throw ExitCode.failure }
    }

    private func sandbox(_ client: WireClient) async throws -> [SecurityCheck] {
        guard let token = ProcessInfo.processInfo.environment["INVOK_TOKEN"], !token.isEmpty else {
            return [
                SecurityCheck("what a function may see and do", skipped: "set INVOK_TOKEN to the token of a login")
            ]
        }
        do {
            return try await SandboxChecks(client: client, token: token).run()
        } catch let refused as SandboxChecks.Refused {
            throw Failure.start(refused.reason, nextStep: "Is INVOK_TOKEN a token of this server?")
        }
    }

    private func client(_ configuration: CoreConfiguration) throws -> WireClient {
        guard let server else {
            let name = ["0.0.0.0", "::"].contains(configuration.host) ? "127.0.0.1" : configuration.host
            return try WireClient(
                host: name, port: configuration.port, certificate: try configuration.tls.map(certificate))
        }
        guard let url = URL(string: server), let scheme = url.scheme, ["http", "https"].contains(scheme),
            let name = url.host, url.path.isEmpty || url.path == "/"
        else {
            throw Failure.start(
                "--server is '\(server)', but must be http://HOST:PORT or https://HOST:PORT",
                nextStep: "The doctor speaks to the server itself, not to a proxy before it.")
        }
        let host = name.trimmingCharacters(in: ["[", "]"])
        guard scheme == "https" else { return try WireClient(host: host, port: url.port ?? 80, certificate: nil) }
        guard let files = configuration.tls else {
            throw Failure.start(
                "--server is '\(server)', and the certificate that it has to show is not known",
                nextStep: "Set INVOK_TLS_CERT and INVOK_TLS_KEY as the server itself has them.")
        }
        return try WireClient(host: host, port: url.port ?? 443, certificate: try certificate(files))
    }

    private func certificate(_ files: CertificateFiles) throws -> [UInt8] {
        do throws(InvokError) { return try files.read().certificate } catch { throw Failure.start(error) }
    }
}
