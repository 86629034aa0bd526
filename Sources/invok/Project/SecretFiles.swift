/// Files that hold a person's own secrets, and hardly ever belong into a function: they are uploaded only when they are
/// asked for.
struct SecretFiles: Sendable {
    private static let names = [
        // Variables, and the log-ins of tools.
        ".env", ".env.*", "*.env", ".envrc", ".dev.vars", ".npmrc", ".pypirc", ".netrc", "_netrc", ".git-credentials",
        ".htpasswd", ".pgpass", ".my.cnf", ".vault-token", ".aws", ".azure", ".docker", ".gnupg", ".kube", ".ssh",
        // Keys.
        "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk",
        // Accounts of clouds, and what Terraform knows of them.
        "credentials.json", "client_secret*.json", "*.tfstate", "*.tfstate.backup",
    ].map { IgnorePattern($0) }

    /// What is handed around as an example.
    private static let examples = [
        ".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults", "example.env", "sample.env",
    ]

    /// May hold a private key as well as a certificate that everybody knows, or settings.
    private static let keyFiles = ["*.pem", "*.key", "*.p8", "*.json"].map { IgnorePattern($0) }
    private static let keyMark = Array("PRIVATE KEY-----".utf8)
    /// Larger files are something else.
    private static let maximumKeyFileBytes = 64 * 1024

    /// This tool's own log-in, which goes nowhere, whoever asks for it.
    private static let login = ".serverless-cli-auth"

    private let included: [IgnorePattern]

    /// - Parameter included: globs of what is uploaded all the same, as lines of `.invokignore` are written.
    init(including included: [String] = []) {
        self.included = included.compactMap { IgnorePattern(line: $0.utf8) }
    }

    /// Whether it, or a folder that it lies in, looks so by its name. What lies in an included folder is included.
    func contain(_ path: String, isFolder: Bool) -> Bool {
        let parts = Self.parts(of: path, isFolder: isFolder)
        if let last = parts.last, Self.name(last.path) == Self.login { return true }
        return !isIncluded(parts)
            && parts.contains { part in
                !Self.examples.contains(Self.name(part.path))
                    && Self.names.contains { $0.matches(part.path, isFolder: part.isFolder) }
            }
    }

    /// Whether only its content tells.
    func mayHoldKey(_ path: String, size: Int) -> Bool {
        let parts = Self.parts(of: path, isFolder: false)
        return size <= Self.maximumKeyFileBytes && !isIncluded(parts)
            && Self.keyFiles.contains { $0.matches(Array(path.utf8)[...], isFolder: false) }
    }

    /// Whether there is a private key in it.
    static func isKey(_ content: [UInt8]) -> Bool {
        content.indices.contains { content[$0] == keyMark[0] && content[$0...].starts(with: keyMark) }
    }

    private typealias Part = (path: ArraySlice<UInt8>, isFolder: Bool)

    private func isIncluded(_ parts: [Part]) -> Bool {
        parts.contains { part in included.contains { $0.matches(part.path, isFolder: part.isFolder) } }
    }

    /// The folders that a path leads through, and itself at the end.
    private static func parts(of path: String, isFolder: Bool) -> [Part] {
        let bytes = Array(path.utf8)
        return bytes.indices.filter { bytes[$0] == Wildcards.slash }.map { (bytes[..<$0], true) } + [
            (bytes[...], isFolder)
        ]
    }

    private static func name(_ path: ArraySlice<UInt8>) -> String {
        String(decoding: path[(path.lastIndex(of: Wildcards.slash).map { $0 + 1 } ?? 0)...], as: UTF8.self)
    }
}
