import CPostgres
public import Invok

/// Where a PostgreSQL database is: a checked `DATABASE_URL`.
///
/// It carries the password, so it is never printed; `description` is what logs and errors say of it.
public struct PostgresTarget: Sendable, CustomStringConvertible {
    static let defaultConnectTimeout = Duration.seconds(5)

    let url: String
    /// For the way from the first packet to a session that may be used.
    let connectTimeout: Duration
    /// `host:port/database`, without user and password.
    public let description: String
    let database: String
    /// What makes the way to the server unsafe, each a sentence for the operator.
    public let warnings: [String]

    /// - Parameter url: `postgres://user:password@host:port/database?sslmode=…`, and whatever else libpq takes in a URL.
    /// - Throws: `invalid_config` when libpq cannot read it. Its own message is kept back: it quotes parts of the URL.
    public init(url: String) throws(InvokError) {
        guard url.hasPrefix("postgres://") || url.hasPrefix("postgresql://"), !url.utf8.contains(0),
            let options = Self.options(of: url)
        else { throw Self.unreadable }
        self.url = url
        let seconds = options["connect_timeout"].flatMap { Int($0) } ?? 0
        connectTimeout = seconds > 0 ? .seconds(max(2, seconds)) : Self.defaultConnectTimeout
        database = options["dbname"] ?? options["user"] ?? ""
        let host = options["host"] ?? options["hostaddr"] ?? "the local socket"
        let port = options["port"].map { ":\($0)" } ?? ""
        description = "\(host)\(port)/\(database)"
        let isLocal = host.hasPrefix("/") || host == "the local socket" || Loopback.contains(host)
        let isEncrypted = ["require", "verify-ca", "verify-full"].contains(options["sslmode"])
        warnings =
            isLocal || isEncrypted
            ? []
            : [
                "PostgreSQL at \(description) may be reached without encryption: add sslmode=verify-full to DATABASE_URL, "
                    + "unless the network between is this installation's alone"
            ]
    }

    private static let unreadable = InvokError(
        .invalidConfig, "DATABASE_URL is not the URL of a PostgreSQL database",
        nextStep: "write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE, with %XX for special characters")

    private static func options(of url: String) -> [String: String]? {
        guard let parsed = PQconninfoParse(url, nil) else { return nil }
        defer { PQconninfoFree(parsed) }
        var options: [String: String] = [:]
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { options[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return options
    }
}
