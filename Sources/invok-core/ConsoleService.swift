import Invok
import InvokAPI
import InvokConsole
import InvokProxy
import Logging
import ServiceLifecycle

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Where the console listens.
struct ConsoleAddress: Hashable, Sendable {
    let host: String
    let port: Int

    /// - Parameter text: as in `INVOK_CONSOLE_ADDRESS`.
    init(_ text: String) throws(ConfigurationError) {
        guard let authority = Authority(text), let port = authority.port else {
            throw ConfigurationError(
                message:
                    "INVOK_CONSOLE_ADDRESS is '\(text)', but must be an address and a port, like 127.0.0.1:3001; or "
                    + "nothing, for no console")
        }
        (host, self.port) = (authority.name, port)
    }
}

/// The console's own listener, with the API and never a function. It begins once it is known where functions are called.
struct ConsoleService: Service {
    /// More than that many people do not look at once.
    private static let connections = 256

    let system: InvokSystem
    /// Those of the server itself.
    let settings: ServerConfiguration
    let address: ConsoleAddress
    let hosts: HostRules
    /// The origin at which functions are called; comes once.
    let functionsURL: AsyncStream<String>
    let logger: Logger

    func run() async throws {
        let url = await cancelWhenGracefulShutdown { await functionsURL.first { _ in true } }
        guard let url else { return }
        var settings = settings
        (settings.host, settings.port) = (address.host, address.port)
        settings.connections = min(settings.connections, Self.connections)
        // Its own page alone calls it.
        settings.corsOrigins = []
        settings.hosts = hosts
        settings.console = ConsoleFiles()
        settings.functionsURL = url
        let origin = "\(settings.scheme)://\(ServerConfiguration.hostInURL(address.host))"
        try await InvokServer(system: system, configuration: settings, logger: logger) { port in
            print("The console is at \(origin):\(port)")
            fflush(nil)
        }.run()
    }
}

extension ServerConfiguration {
    /// A host as URLs have it: an IPv6 address in brackets.
    static func hostInURL(_ host: String) -> String { host.contains(":") ? "[\(host)]" : host }
}
