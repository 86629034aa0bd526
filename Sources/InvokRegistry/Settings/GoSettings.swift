import Invok

/// Go's module proxies and checksum database as the operator's settings name them (https://go.dev/ref/mod).
struct GoSettings: Hashable, Sendable {
    static let standard = "https://proxy.golang.org,direct"

    struct Proxy: Hashable, Sendable {
        let url: RegistryURL
        /// Whether the next one is asked whatever is wrong with this one (`|`), and not only when it has no such module (`,`).
        let yieldsAlways: Bool
    }

    struct ChecksumDatabase: Hashable, Sendable {
        /// As `/sumdb/{name}/` has it.
        let name: String
        let url: RegistryURL
        /// What Go is told: the name, or the name with its key.
        let setting: String
    }

    /// In their order.
    var proxies: [Proxy] = []
    /// `nil` where nothing is looked up.
    var checksums: ChecksumDatabase?
    /// Patterns of modules that nothing is looked up for.
    var unchecked: String?

    init(_ files: SettingsFiles, _ credentials: inout Credentials, problems: inout [String]) {
        let path = files.variable("GOENV") ?? files.configuration("go/env")
        let kept = (path == "off" ? nil : path).flatMap(files.text).map { IniFile.sections(of: $0)[""] ?? [:] } ?? [:]
        func setting(_ name: String) -> String? {
            files.variable(name) ?? kept[name].flatMap { $0.isEmpty ? nil : $0 }
        }
        readProxies(setting("GOPROXY") ?? Self.standard, &credentials, &problems)
        let database = setting("GOSUMDB") ?? "sum.golang.org"
        let isOff = database == "off" || ["off", "0"].contains(setting("GONOSUMCHECK") ?? "")
        if !isOff { checksums = Self.database(database, &problems) }
        unchecked = setting("GONOSUMDB") ?? setting("GOPRIVATE")
        for login in files.logins {
            credentials.add(Credentials.basic(login.user, login.password), host: login.host, .go)
        }
    }

    private mutating func readProxies(
        _ setting: String, _ credentials: inout Credentials, _ problems: inout [String]
    ) {
        var rest = setting[...]
        while !rest.isEmpty {
            let entry = rest.prefix { $0 != "," && $0 != "|" }
            rest = rest.dropFirst(entry.count)
            let yieldsAlways = rest.popFirst() == "|"
            let text = entry.trimmed
            // A build reaches no other host, and what comes behind `off` is not asked either.
            if text == "direct" || text == "off" { return }
            if text.isEmpty { continue }
            guard let url = RegistryURL(text) else {
                problems.append("builds do not reach a proxy of GOPROXY: its address is none of https, http or file")
                continue
            }
            proxies.append(Proxy(url: url.folder, yieldsAlways: yieldsAlways))
            if let info = RegistryURL.userInfo(of: text) {
                credentials.add(Credentials.basic(info.user, info.password), for: url, .go)
            }
        }
    }

    /// `name`, `name+hash+key`, and either of them with a URL behind it.
    private static func database(_ setting: String, _ problems: inout [String]) -> ChecksumDatabase? {
        let words = setting.split(whereSeparator: \.isWhitespace)
        guard let first = words.first else { return nil }
        var name = first.prefix { $0 != "+" }
        var place = words.count > 1 ? String(words[1]) : "https://\(name)"
        // Go's own name for a mirror of the one that it knows the key of.
        if name == "sum.golang.google.cn" { (name, place) = ("sum.golang.org", "https://\(name)") }
        guard let url = RegistryURL(place), url.scheme != "file" else {
            problems.append(
                "builds do not reach the checksum database of GOSUMDB: its address is none of http or https")
            return nil
        }
        let key = first.contains("+") ? String(first) : String(name)
        return ChecksumDatabase(name: String(name), url: url.folder, setting: key)
    }
}
