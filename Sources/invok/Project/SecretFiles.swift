/// Files that hold a person's own secrets, and hardly ever belong into a function: they are uploaded only when they are
/// asked for.
struct SecretFiles: Sendable {
    private static let names = [
        ".env", ".env.*", ".npmrc", ".pypirc", ".netrc", ".git-credentials", ".aws", ".azure", ".docker", ".gnupg",
        ".kube",
        ".ssh", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.p12", "*.pfx", "*.jks", "*.kdbx",
    ].map { GlobRule($0[...]) }

    /// What is handed around as an example.
    private static let examples = [".env.example", ".env.sample", ".env.template"]

    /// May hold a private key as well as a certificate that everybody knows.
    private static let keyFiles = ["*.pem", "*.key"].map { GlobRule($0[...]) }
    private static let keyMark = Array("PRIVATE KEY-----".utf8)

    private let included: [GlobRule]

    /// - Parameter included: globs of what is uploaded all the same, as lines of `.invokignore` are written.
    init(including included: [String] = []) {
        self.included = included.map { GlobRule($0[...]) }
    }

    /// Whether it looks so by its name.
    func contain(_ path: String, isFolder: Bool) -> Bool {
        let name = path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
        return !Self.examples.contains(String(name)) && !isIncluded(path, isFolder: isFolder)
            && Self.names.contains { $0.matches(path, isFolder: isFolder) }
    }

    /// Whether it looks so by what is in it.
    func contain(_ path: String, content: [UInt8]) -> Bool {
        guard Self.keyFiles.contains(where: { $0.matches(path, isFolder: false) }), !isIncluded(path, isFolder: false)
        else { return false }
        return content.indices.contains { content[$0] == Self.keyMark[0] && content[$0...].starts(with: Self.keyMark) }
    }

    /// What lies in an included folder is included.
    private func isIncluded(_ path: String, isFolder: Bool) -> Bool {
        if included.contains(where: { $0.matches(path, isFolder: isFolder) }) { return true }
        guard let slash = path.lastIndex(of: "/") else { return false }
        return isIncluded(String(path[..<slash]), isFolder: true)
    }
}
