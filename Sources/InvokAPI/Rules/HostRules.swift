import Invok
import InvokProxy

/// Which hosts this server answers for, and which pages may change something by its API. A page elsewhere can have its own
/// name point here (DNS rebinding) and can send requests without reading the answers (CSRF); neither is let in.
public struct HostRules: Sendable {
    /// Whether only this machine reaches the server.
    private let isLoopback: Bool
    private let own: [Authority]
    private var functionsHost: String?
    /// Whether pages of all its names are its own, whatever host a request asks for.
    private var trustsItsNames = true

    /// Any host, for who calls the server in process.
    public static let open = HostRules()

    private init() { (isLoopback, own, functionsHost) = (false, [], nil) }

    /// - Parameters:
    ///   - listener: the address that callers of this machine or others reach, as in `SERVER_HOST`.
    ///   - publicURL: what callers know the server by.
    ///   - hosts: more of its names, each with or without a port.
    ///   - functionsHost: the name that functions' own names end with.
    /// - Throws: `invalid_config` that names the setting.
    public init(
        listener: String, publicURL: String? = nil, hosts: [String] = [], functionsHost: String? = nil
    ) throws(InvokError) {
        var own: [Authority] = []
        if let publicURL {
            own.append(try Self.authority(of: publicURL))
        }
        for host in hosts {
            guard let authority = Authority(host) else {
                throw InvokError(
                    .invalidConfig, "INVOK_HOSTS has '\(host)', but must be names, each perhaps with a port",
                    nextStep: "write them like example.com,example.com:8443")
            }
            own.append(authority)
        }
        if let functionsHost {
            guard let authority = Authority(functionsHost), authority.port == nil, IPAddress(functionsHost) == nil
            else {
                throw InvokError(
                    .invalidConfig, "INVOK_FUNCTIONS_HOST is '\(functionsHost)', but must be a name without a port",
                    nextStep: "write it like functions.example.com, a name that nothing else is served at")
            }
        }
        isLoopback = Authority(listener.contains(":") ? "[\(listener)]" : listener)?.isLoopback ?? false
        self.own = own
        self.functionsHost = functionsHost?.lowercased()
    }

    /// Whether callers elsewhere know no name by which the server answers.
    public var isForThisMachine: Bool { isLoopback && own.allSatisfy(\.isLoopback) }

    /// The same hosts, for the console's listener: no function has its host there, and no page is its own but those that
    /// it serves itself. A page of the other listener, of the same name, may be a function's.
    public var ofConsole: HostRules {
        var rules = self
        (rules.functionsHost, rules.trustsItsNames) = (nil, false)
        return rules
    }

    private static func authority(of url: String) throws(InvokError) -> Authority {
        let rest = url.hasSuffix("/") ? String(url.dropLast()) : url
        guard let origin = WebOrigin(rest) else {
            throw InvokError(
                .invalidConfig, "INVOK_PUBLIC_URL is '\(url)', but must be a URL without a path",
                nextStep: "write it like https://invok.example.com")
        }
        return origin.authority
    }

    /// Whether the text is a web origin, as `https://page.example`.
    public static func isOrigin(_ text: String) -> Bool { WebOrigin(text) != nil }

    // MARK: Hosts

    /// What a host is to this server.
    enum Site: Sendable {
        /// The API's, and that of all functions.
        case shared
        /// A function's own.
        case function(namespace: String, name: String)
        case refused(InvokError)
    }

    /// - Parameter host: as the client asked for it.
    func site(at host: String?) -> Site {
        if let (namespace, name) = function(at: host) { return .function(namespace: namespace, name: name) }
        return fault(host: host).map { .refused($0) } ?? .shared
    }

    /// Whether the target is the root of a host of a function's own, which is the function itself.
    static func isRoot(_ target: some Collection<UInt8>) -> Bool {
        guard target.first == UInt8(ascii: "/") else { return false }
        let rest = target.dropFirst()
        return rest.isEmpty || rest.first == UInt8(ascii: "?")
    }

    /// - Parameter host: as the client asked for it, or `nil` where HTTP/1.0 did not say.
    /// - Returns: what to answer instead, or `nil`.
    func fault(host text: String?) -> InvokError? {
        // Only clients without a browser send none (HTTP/1.0), and a server with neither limit takes any.
        guard let text, isLoopback || !own.isEmpty else { return nil }
        guard let host = Authority(text) else { return misdirected(text) }
        let isMeant =
            own.contains { $0.name == host.name } || isLoopback && host.isLoopback || functionName(host) != nil
        return isMeant ? nil : misdirected(text)
    }

    private func misdirected(_ host: String) -> InvokError {
        InvokError(
            .misdirected, "this server does not answer for the host '\(host.prefix(80))'",
            nextStep: "if it should, its operator adds the name to INVOK_HOSTS or sets INVOK_PUBLIC_URL")
    }

    // MARK: Functions' own hosts

    /// The function whose own host that is: `{name}--{namespace}.{functionsHost}`.
    func function(at text: String?) -> (namespace: String, name: String)? {
        text.flatMap { Authority($0) }.flatMap(functionName)
    }

    private func functionName(_ host: Authority) -> (namespace: String, name: String)? {
        guard let functionsHost, host.name.hasSuffix("." + functionsHost) else { return nil }
        let label = host.name.dropLast(functionsHost.count + 1)
        // A name has no double dash.
        guard let dashes = label.firstRange(of: "--"), !label.contains(".") else { return nil }
        let (name, namespace) = (label[..<dashes.lowerBound], label[dashes.upperBound...])
        return name.isEmpty || namespace.isEmpty ? nil : (String(namespace), String(name))
    }

    // MARK: Origins

    /// Whether a page of this origin is one of this server's own.
    /// - Parameters:
    ///   - host: as the client asked for it.
    ///   - isSecure: whether the client is known to speak TLS. A page that came without is then somebody's on the way.
    func isOwn(origin text: String, host: String?, isSecure: Bool = false) -> Bool {
        guard let origin = WebOrigin(text), origin.isSecure || !isSecure else { return false }
        if let host = host.flatMap({ Authority($0) }), origin.isAt(host) { return true }
        return trustsItsNames && own.contains(where: origin.isAt)
    }
}
