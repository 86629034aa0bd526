import Invok

/// pip's indexes as the operator's settings name them (https://pip.pypa.io/en/stable/topics/configuration).
struct PipSettings: Hashable, Sendable {
    static let standard = "https://pypi.org/simple"

    /// In the order in which pip is told; folders of projects (PEP 503). None where the operator has switched them off.
    var indexes: [RegistryURL] = []
    /// The file with certificates that are trusted, too.
    private(set) var certificates: String?

    /// - Parameter problems: gets a sentence for what cannot be used.
    init(_ files: SettingsFiles, _ credentials: inout Credentials, problems: inout [String]) {
        let values = Self.values(files)
        func setting(_ key: String) -> String? {
            let variable = "PIP_" + key.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
            return files.variable(variable) ?? values[key]
        }
        certificates = setting("cert")
        guard !["1", "true", "yes", "on"].contains(setting("no-index")?.lowercased() ?? "") else { return }
        let texts =
            [setting("index-url") ?? Self.standard]
            + (setting("extra-index-url") ?? "").split(whereSeparator: \.isWhitespace).map(String.init)
        for text in texts {
            guard let url = RegistryURL(text), url.scheme != "file" else {
                problems.append("builds do not reach an index of pip's settings: its address is none of http or https")
                continue
            }
            indexes.append(url.folder)
            if let info = RegistryURL.userInfo(of: text) {
                credentials.add(Credentials.basic(info.user, info.password), for: url, .python)
            }
        }
        for login in files.logins {
            credentials.add(Credentials.basic(login.user, login.password), host: login.host, .python)
        }
    }

    /// What the files say: those for `pip install` before those for all of pip, and the user's before the machine's.
    private static func values(_ files: SettingsFiles) -> [String: String] {
        let own = files.variable("PIP_CONFIG_FILE")
        // pip reads no file at all then.
        if own == "/dev/null" { return [:] }
        let paths = [
            "/etc/xdg/pip/pip.conf", "/etc/pip.conf", files.home(".pip/pip.conf"), files.configuration("pip/pip.conf"),
            own,
        ]
        let sections = paths.compactMap(\.self).compactMap(files.text).map { IniFile.sections(of: $0) }
        return ["global", "install"].reduce(into: [:]) { values, section in
            for file in sections {
                for (key, value) in file[section] ?? [:] {
                    values[key.map { $0 == "_" ? "-" : String($0) }.joined().lowercased()] = value.trimmed
                }
            }
        }
    }
}
