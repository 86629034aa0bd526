import Configuration
import Foundation
import Invok
import InvokAPI
import InvokAuth
import InvokProxy
import Logging
import SystemPackage

/// A setting that cannot be used, in words that name it.
struct ConfigurationError: Error, Hashable {
    let message: String
}

/// What the operator chose. Everything has a default.
struct CoreConfiguration: Sendable {
    var host = "127.0.0.1"
    var port = 3000
    var dataDirectory = ""
    /// What can be made again, shared by all servers of a user.
    var cacheDirectory = ""
    /// PostgreSQL, or else SQLite in the data directory. It has a password in it, and so may the next one.
    var databaseURL: String?
    /// Redis, or else this process's memory.
    var redisURL: String?
    var engine = EngineChoice.Name.sandbox
    /// What builds reach.
    var buildEgress = RegistryChoice.Egress.registries
    /// What of the network functions may ask for.
    var egress = EgressRules()
    /// Whether functions may run whose memory or processes this machine cannot limit.
    var allowsUnlimited = false
    var docker: DockerChoice
    var defaultAccess = Access.private
    var jwtSecret: String?
    /// Seals the functions' environments.
    var secretsKey: String?
    /// Takes its place, for `secrets rotate`.
    var newSecretsKey: String?
    var tokenLifetime = Duration.seconds(168 * 3600)
    /// How long tokens count while the store is away.
    var beliefLifetime = Duration.seconds(3600)
    /// Who may make an account; `nil` for whoever comes where only this machine reaches the server, else by invitation.
    var registration: Registration?
    /// What the first account takes where others reach the server.
    var setupCode: String?
    /// The binary logarithm of scrypt's cost N.
    var scryptCost = 17
    /// Registrations and log-ins that one address may try in a minute.
    var attemptsPerAddress = 60
    var maximumFunctionBytes = 50 << 20
    var corsOrigins: [String] = []
    /// What TLS is spoken by; without it the server speaks plain HTTP.
    var tls: CertificateFiles?
    /// Where the console listens; `nil` for none.
    var console: ConsoleAddress?
    /// What callers know the server by, and more of its names.
    var publicURL: String?
    var hosts: [String] = []
    /// The address that a container's port is published at, which callers reach in place of `host`.
    var publishedHost: String?
    /// The name that functions' own hosts end with.
    var functionsHost: String?
    var trustedProxies: [AddressRange] = []
    var connectionsPerAddress = 256
    /// What was said of where metrics are served; without an address, nowhere.
    private var chosenMetrics: MetricsAddress??
    /// What the machine has for instances, and for builds at a time.
    var capacity = Resources()
    /// What each user may hold and do, unless the store has something else for it.
    var quota = Quota()
    var builds = 0
    /// What of the disk is kept free from new versions.
    var minimumFreeDiskPercent = 5
    /// How long requests that run may go on when the server stops.
    var stopLimit = Duration.seconds(50)
    var logLevel = Logger.Level.info
    /// What the search for toolchains goes by: the process's environment, and what `.env` says of them.
    var environment: [String: String] = [:]

    static let help = """
        SERVER_HOST            127.0.0.1
        SERVER_PORT            3000
        INVOK_CONSOLE_ADDRESS  127.0.0.1:3001 (where the console is; empty for none)
        INVOK_DATA_DIR         ~/.local/share/invok/data
        INVOK_CACHE_DIR        ~/.cache/invok
        DATABASE_URL           SQLite in the data directory (or postgres://USER:PASSWORD@HOST:PORT/DATABASE)
        REDIS_URL              this process's memory (or redis://:PASSWORD@HOST:PORT/DATABASE)
        INVOK_ENGINE           sandbox (or docker)
        INVOK_BUILD_EGRESS     registries (what builds reach: those that your pip, npm and Go settings name; or off)
        INVOK_EGRESS           public (what functions may ask for by 'egress': the public internet, what they list, or off)
        INVOK_EGRESS_PRIVATE   none (addresses that they may reach though not public, 10.0.0.5/32:5432,fd00::/64)
        INVOK_ALLOW_UNLIMITED  0 (1: also where the machine cannot limit functions' memory or processes)
        DOCKER_HOST            unix:///var/run/docker.sock
        INVOK_HOST_DATA_DIR    the data directory as Docker sees it, where the core runs in a container
        INVOK_GO_IMAGE, INVOK_PYTHON_IMAGE, INVOK_NODE_IMAGE   images that functions run in
        INVOK_GO_BUILDER_IMAGE, INVOK_PYTHON_BUILDER_IMAGE, INVOK_NODE_BUILDER_IMAGE   and are built in
        INVOK_DEFAULT_ACCESS   private (or public)
        AUTH_JWT_SECRET        made and kept in the data directory
        INVOK_SECRETS_KEY      made and kept in the data directory; cores that share a database need the same
        INVOK_SECRETS_NEW_KEY  for 'invok-core secrets rotate'
        INVOK_REGISTRATION     open on loopback, else invite (by invitation of an admin; or closed)
        INVOK_SETUP_CODE       made and printed at the start (what the first account takes where others reach the server)
        AUTH_TOKEN_HOURS       168
        AUTH_BELIEF_MINUTES    60 (how long tokens count while the database is away)
        AUTH_ATTEMPTS_PER_ADDRESS   60 (a minute)
        AUTH_SCRYPT_COST       17 (each step doubles the work and the memory of a log-in; 14 to 18)
        MAX_FUNCTION_SIZE      52428800 (bytes)
        INVOK_TLS_CERT, INVOK_TLS_KEY   none: plain HTTP (PEM files; read anew at SIGHUP)
        INVOK_PUBLIC_URL       none (https://invok.example.com: what callers know the server by)
        INVOK_HOSTS            none (more of its names, comma-separated)
        INVOK_PUBLISHED_HOST   SERVER_HOST (the address that a container's port is published at)
        INVOK_FUNCTIONS_HOST   none (functions.example: {name}--{namespace}.functions.example is a function's own)
        INVOK_TRUSTED_PROXIES  none (addresses whose X-Forwarded fields are believed, 10.0.0.0/8,fd00::/8)
        INVOK_CONNECTIONS_PER_ADDRESS   256 (trusted proxies have no such limit)
        INVOK_METRICS_ADDRESS  127.0.0.1:9464 (where /metrics is served, for Prometheus; empty for nowhere)
        INVOK_CAPACITY_MEMORY_MB   80 % of the machine's (what instances may take together)
        INVOK_CAPACITY_INSTANCES   1000 (instances at a time)
        INVOK_CAPACITY_BUILDS  2 for each processor (builds at a time)
        INVOK_MIN_FREE_DISK_PERCENT   5 (deploys are refused while less of the data directory's disk is free; 0 to 99)
        INVOK_QUOTAS           what each user may hold and do, where it is not the standard: functions=20 memoryMB=unlimited
        INVOK_STOP_SECONDS     50 (how long requests that run may go on when the server stops, and WebSockets
                               to a version that was replaced)
        INVOK_CORS_ORIGINS     none (pages elsewhere that may call the API, https://a.example, comma-separated)
        LOG_LEVEL              info (trace, debug, info, notice, warning, error)
        INVOK_TOOLCHAINS       ~/.local/share/invok/toolchains
        INVOK_GO, INVOK_NODE, INVOK_PYTHON, INVOK_ESBUILD   paths to the tools
        """

    /// Reads the environment, and below it the file `.env` of the working directory.
    static func load() async throws(ConfigurationError) -> CoreConfiguration {
        let environment = ProcessInfo.processInfo.environment
        let file: EnvironmentVariablesProvider
        do {
            file = try await EnvironmentVariablesProvider(environmentFilePath: ".env", allowMissing: true)
        } catch {
            throw ConfigurationError(message: "the file .env cannot be read: \(error)")
        }
        let reader = ConfigReader(providers: [EnvironmentVariablesProvider(environmentVariables: environment), file])
        return try CoreConfiguration(reader, environment: environment)
    }

    /// - Parameters:
    ///   - reader: keys are the variables' names in lower case with dots, `server.port` for `SERVER_PORT`.
    ///   - environment: the process's environment.
    init(_ reader: ConfigReader, environment: [String: String]) throws(ConfigurationError) {
        self.environment = environment
        func text(_ variable: String) -> String? {
            let key = variable.lowercased().split(separator: "_").joined(separator: ".")
            let value = reader.string(forKey: ConfigKey(key), isSecret: Self.secrets.contains(variable))
            return value.flatMap { $0.isEmpty ? nil : $0 }
        }
        let consoleText = reader.string(forKey: "invok.console.address") ?? "127.0.0.1:3001"
        console = consoleText.isEmpty ? nil : try ConsoleAddress(consoleText)
        func number(_ variable: String, _ fallback: Int, in range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
            guard let text = text(variable) else { return fallback }
            guard let value = Int(text), range.contains(value) else {
                throw ConfigurationError(
                    message:
                        "\(variable) is '\(text)', but must be a number from \(range.lowerBound) to \(range.upperBound)"
                )
            }
            return value
        }
        host = text("SERVER_HOST") ?? host
        port = try number("SERVER_PORT", port, in: 0...65_535)
        dataDirectory =
            text("INVOK_DATA_DIR") ?? Self.folder("XDG_DATA_HOME", ".local/share", environment) + "/invok/data"
        cacheDirectory = text("INVOK_CACHE_DIR") ?? Self.folder("XDG_CACHE_HOME", ".cache", environment) + "/invok"
        databaseURL = text("DATABASE_URL")
        redisURL = text("REDIS_URL")
        if let name = text("INVOK_ENGINE") {
            guard let value = EngineChoice.Name(rawValue: name) else {
                throw ConfigurationError(message: "INVOK_ENGINE is '\(name)', but must be 'sandbox' or 'docker'")
            }
            engine = value
        }
        if let name = text("INVOK_BUILD_EGRESS") {
            guard let value = RegistryChoice.Egress(rawValue: name) else {
                throw ConfigurationError(
                    message: "INVOK_BUILD_EGRESS is '\(name)', but must be 'registries' or 'off'")
            }
            buildEgress = value
        }
        if let name = text("INVOK_EGRESS") {
            guard let value = EgressRules.Mode(rawValue: name) else {
                throw ConfigurationError(
                    message: "INVOK_EGRESS is '\(name)', but must be 'off', 'list' or 'public'")
            }
            egress.mode = value
        }
        allowsUnlimited = try number("INVOK_ALLOW_UNLIMITED", 0, in: 0...1) == 1
        docker = try DockerChoice(setting: text)
        if let access = text("INVOK_DEFAULT_ACCESS") {
            guard let value = Access(rawValue: access) else {
                throw ConfigurationError(
                    message: "INVOK_DEFAULT_ACCESS is '\(access)', but must be 'private' or 'public'")
            }
            defaultAccess = value
        }
        for variable in ["INVOK_TOOLCHAINS", "INVOK_GO", "INVOK_NODE", "INVOK_PYTHON", "INVOK_ESBUILD"] {
            self.environment[variable] = text(variable)
        }
        jwtSecret = text("AUTH_JWT_SECRET")
        secretsKey = text("INVOK_SECRETS_KEY")
        newSecretsKey = text("INVOK_SECRETS_NEW_KEY")
        if let name = text("INVOK_REGISTRATION") {
            guard let value = Registration(rawValue: name) else {
                throw ConfigurationError(
                    message: "INVOK_REGISTRATION is '\(name)', but must be 'open', 'invite' or 'closed'")
            }
            registration = value
        }
        setupCode = text("INVOK_SETUP_CODE")
        if let setupCode, setupCode.count < Self.leastSetupCode {
            throw ConfigurationError(
                message: """
                    INVOK_SETUP_CODE is shorter than \(Self.leastSetupCode) characters
                    set it to the output of 'openssl rand -hex 16', or leave it out
                    """)
        }
        tokenLifetime = .seconds(try number("AUTH_TOKEN_HOURS", 168, in: 1...87_600) * 3600)
        beliefLifetime = .seconds(try number("AUTH_BELIEF_MINUTES", 60, in: 1...10_080) * 60)
        scryptCost = try number("AUTH_SCRYPT_COST", scryptCost, in: 14...18)
        attemptsPerAddress = try number("AUTH_ATTEMPTS_PER_ADDRESS", attemptsPerAddress, in: 1...1_000_000)
        maximumFunctionBytes = try number("MAX_FUNCTION_SIZE", maximumFunctionBytes, in: 1024...(1 << 30))
        func list(_ variable: String) -> [String] {
            (text(variable) ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
                .filter { !$0.isEmpty }
        }
        egress.privateDestinations = try Self.privateDestinations(list("INVOK_EGRESS_PRIVATE"))
        corsOrigins = list("INVOK_CORS_ORIGINS")
        if let wrong = corsOrigins.first(where: { $0 != "*" && !HostRules.isOrigin($0) }) {
            throw ConfigurationError(
                message: "INVOK_CORS_ORIGINS has '\(wrong)', but must be origins like https://page.example, or *")
        }
        connectionsPerAddress = try number("INVOK_CONNECTIONS_PER_ADDRESS", connectionsPerAddress, in: 1...65_536)
        if let text = reader.string(forKey: "invok.metrics.address") {
            guard let address = text.isEmpty ? .some(nil) : MetricsAddress(text).map(Optional.some) else {
                throw ConfigurationError(
                    message: "INVOK_METRICS_ADDRESS is '\(text)', but must be an address and a port like"
                        + " 127.0.0.1:9464, or empty for no metrics")
            }
            chosenMetrics = .some(address)
        }
        capacity = Resources(
            instances: try number("INVOK_CAPACITY_INSTANCES", 1000, in: 1...100_000),
            memoryMB: try number(
                "INVOK_CAPACITY_MEMORY_MB", MachineMemory.promised(isConfined: engine == .sandbox), in: 16...(1 << 30)))
        builds = try number(
            "INVOK_CAPACITY_BUILDS", 2 * ProcessInfo.processInfo.activeProcessorCount, in: 1...1000)
        minimumFreeDiskPercent = try number("INVOK_MIN_FREE_DISK_PERCENT", minimumFreeDiskPercent, in: 0...99)
        do throws(InvokError) {
            quota = Quota(try Quota.parse(text("INVOK_QUOTAS") ?? "").compactMapValues { $0 })
        } catch {
            let parts = ["INVOK_QUOTAS: \(error.message)", error.nextStep].compactMap(\.self)
            throw ConfigurationError(message: parts.joined(separator: "\n"))
        }
        stopLimit = .seconds(try number("INVOK_STOP_SECONDS", 50, in: 0...3600))
        tls = try CertificateFiles(setting: text)
        publicURL = text("INVOK_PUBLIC_URL")
        hosts = list("INVOK_HOSTS")
        publishedHost = text("INVOK_PUBLISHED_HOST")
        functionsHost = text("INVOK_FUNCTIONS_HOST")
        for proxy in list("INVOK_TRUSTED_PROXIES") {
            guard let range = AddressRange(proxy) else {
                throw ConfigurationError(
                    message: "INVOK_TRUSTED_PROXIES has '\(proxy)', but must be addresses or ranges like 10.0.0.0/8")
            }
            trustedProxies.append(range)
        }
        if let level = text("LOG_LEVEL") {
            guard let value = Logger.Level(rawValue: level.lowercased()) else {
                throw ConfigurationError(message: "LOG_LEVEL is '\(level)', but must be one of \(Self.levels)")
            }
            logLevel = value
        }
    }

    /// Where metrics are served; `nil` for nowhere. A server on any free port has its metrics on any free one too.
    var metrics: MetricsAddress? {
        guard let chosenMetrics else { return MetricsAddress(port: port == 0 ? 0 : MetricsAddress.standardPort) }
        return chosenMetrics
    }

    /// The names that callers know the server by, without ports.
    var publicNames: [String] {
        let given = [publicURL, publishedHost, functionsHost].compactMap(\.self) + hosts
        return given.compactMap { text in
            URLComponents(string: text.contains("://") ? text : "//\(text)")?.host
        }.filter { !Loopback.contains($0) && !$0.isEmpty }
    }

    private static func privateDestinations(_ texts: [String]) throws(ConfigurationError) -> [Egress.Destination] {
        var destinations: [Egress.Destination] = []
        for text in texts {
            guard let destination = try? Egress.Destination(text), case .addresses = destination.place else {
                throw ConfigurationError(
                    message: "INVOK_EGRESS_PRIVATE has '\(text)', but must be addresses or ranges, each perhaps with a "
                        + "port: 10.0.0.5/32:5432,[fd00::5]:5432")
            }
            destinations.append(destination)
        }
        return destinations
    }

    /// - Throws: when one of the names is none.
    func hostRules() throws(ConfigurationError) -> HostRules {
        do throws(InvokError) {
            return try HostRules(
                listener: publishedHost ?? host, publicURL: publicURL, hosts: hosts, functionsHost: functionsHost)
        } catch {
            throw ConfigurationError(
                message: [error.message, error.nextStep].compactMap(\.self).joined(separator: "\n"))
        }
    }

    /// - Throws: when one of the names is none.
    func consoleHostRules() throws(ConfigurationError) -> HostRules {
        var rules = self
        // In a container it listens everywhere, and is published on the machine's loopback.
        rules.host = publishedHost == nil ? console?.host ?? host : "127.0.0.1"
        rules.publishedHost = nil
        return try rules.hostRules().ofConsole
    }

    /// The origin at which functions are called.
    /// - Parameter port: the one that is listened on.
    func functionsURL(port: Int) -> String {
        if let publicURL { return publicURL.hasSuffix("/") ? String(publicURL.dropLast()) : publicURL }
        let host = ServerConfiguration.hostInURL(publishedHost ?? host)
        return "\(tls == nil ? "http" : "https")://\(host):\(port)"
    }

    private static let secrets: Set = [
        "AUTH_JWT_SECRET", "DATABASE_URL", "INVOK_SECRETS_KEY", "INVOK_SECRETS_NEW_KEY", "INVOK_SETUP_CODE",
        "REDIS_URL",
    ]
    private static let leastSetupCode = 12

    /// Whether nobody elsewhere reaches the server.
    func isForThisMachine() throws(ConfigurationError) -> Bool {
        try hostRules().isForThisMachine && trustedProxies.isEmpty
    }

    /// Hashes with the cost that is set.
    var passwords: ScryptPasswordHasher {
        ScryptPasswordHasher(
            parameters: ScryptParameters(
                logarithmOfRounds: scryptCost, blockSize: 8, parallelism: 1) ?? .standard)
    }

    /// Where what can be made again is kept. In a container of its own, the core shares no directory with Docker but the data
    /// directory.
    func cacheFolder(dataDirectory: String) -> String {
        engine == .docker && docker.hostDataDirectory != nil ? dataDirectory + "/cache" : cacheDirectory
    }

    static func checkedPort(_ port: Int, _ name: String) throws(ConfigurationError) -> Int {
        guard (0...65_535).contains(port) else {
            throw ConfigurationError(message: "\(name) is \(port), but must be from 0 to 65535")
        }
        return port
    }

    /// - Parameter setupCode: what the first account takes where others reach the server.
    func systemSettings(setupCode: Passcode) throws(ConfigurationError) -> SystemSettings {
        let isForThisMachine = try isForThisMachine()
        var settings = SystemSettings()
        settings.defaultAccess = defaultAccess
        settings.registration = registration ?? (isForThisMachine ? .open : .invite)
        if !isForThisMachine {
            settings.setupCode = self.setupCode.map { Passcode.digest(of: $0) } ?? setupCode.digest
        }
        settings.tokenLifetime = tokenLifetime
        settings.beliefLifetime = beliefLifetime
        settings.attemptsPerAddress = attemptsPerAddress
        settings.capacity = capacity
        settings.quota = quota
        settings.egress = egress
        settings.freesOnlyUser = Loopback.contains(publishedHost ?? host)
        settings.concurrentBuilds = builds
        settings.minimumFreeDiskPercent = minimumFreeDiskPercent
        settings.tunnelDrain = stopLimit
        settings.archiveLimits.archiveBytes = maximumFunctionBytes
        settings.archiveLimits.contentBytes = max(settings.archiveLimits.contentBytes, maximumFunctionBytes)
        return settings
    }

    private static let levels = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")

    /// A user's folder as the XDG Base Directory Specification finds it.
    private static func folder(_ variable: String, _ fallback: String, _ environment: [String: String]) -> String {
        if let folder = environment[variable], !folder.isEmpty { return folder }
        return "\(environment["HOME"] ?? ".")/\(fallback)"
    }
}
