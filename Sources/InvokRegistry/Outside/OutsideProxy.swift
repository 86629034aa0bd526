/// The HTTP proxy by which this machine reaches others, as `curl` and the tools of most languages know it. It is asked for a
/// tunnel (CONNECT), for `http` too.
struct OutsideProxy: Sendable {
    private let https: RegistryURL?
    private let http: RegistryURL?
    private let httpsUser: RegistryURL.UserInfo?
    private let httpUser: RegistryURL.UserInfo?
    private let exceptions: [Substring]

    struct Hop: Hashable, Sendable {
        let host: String
        let port: Int
        let user: RegistryURL.UserInfo?
    }

    init(environment: [String: String]) {
        func variable(_ name: String) -> String? {
            [name.lowercased(), name].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
        }
        // A proxy may be named without a scheme.
        func proxy(_ name: String) -> String? {
            (variable(name) ?? variable("ALL_PROXY")).map { $0.contains("://") ? $0 : "http://\($0)" }
        }
        // In upper case it is a header of a CGI script's caller (CVE-2016-5385), which the core is none of.
        let (secure, plain) = (proxy("HTTPS_PROXY"), proxy("HTTP_PROXY"))
        (https, http) = (secure.flatMap { RegistryURL($0) }, plain.flatMap { RegistryURL($0) })
        httpsUser = secure.flatMap { RegistryURL.userInfo(of: $0) }
        httpUser = plain.flatMap { RegistryURL.userInfo(of: $0) }
        exceptions = (variable("NO_PROXY") ?? "").split { $0 == "," || $0.isWhitespace }
    }

    /// - Returns: `nil` for the straight way.
    func hop(to url: RegistryURL) -> Hop? {
        let (proxy, user) = url.scheme == "https" ? (https, httpsUser) : (http, httpUser)
        guard let proxy, proxy.scheme != "file", !isExempt(url) else { return nil }
        return Hop(host: proxy.host, port: proxy.port ?? (proxy.scheme == "https" ? 443 : 80), user: user)
    }

    private func isExempt(_ url: RegistryURL) -> Bool {
        if url.host == "localhost" || url.host.hasPrefix("127.") || url.host == "[::1]" { return true }
        return exceptions.contains { exception in
            if exception == "*" { return true }
            let parts = exception.lowercased().split(separator: ":", maxSplits: 1)
            guard let host = parts.first else { return false }
            if parts.count == 2, Int(parts[1]) != (url.port ?? (url.scheme == "https" ? 443 : 80)) { return false }
            let name = host.drop { $0 == "*" }.drop { $0 == "." }
            return url.host == name || url.host.hasSuffix("." + name)
        }
    }
}
