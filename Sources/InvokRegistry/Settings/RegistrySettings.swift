import Invok
import InvokPOSIX
import NIOSSL

/// The package registries that builds may reach: those that the operator's own pip, npm and Go go by.
package struct RegistrySettings: Sendable {
    let pip: PipSettings
    let npm: NpmSettings
    let go: GoSettings
    let credentials: Credentials
    /// Certificates of authorities (PEM) that are trusted besides the system's.
    let certificates: [NIOSSLCertificate]
    /// What of the settings cannot be used, each a sentence for the operator.
    package let problems: [String]

    init(_ files: SettingsFiles) {
        var credentials = Credentials()
        var problems: [String] = []
        pip = PipSettings(files, &credentials, problems: &problems)
        npm = NpmSettings(files, &credentials, problems: &problems)
        go = GoSettings(files, &credentials, problems: &problems)
        self.credentials = credentials
        let named = [
            files.variable("SSL_CERT_FILE"), pip.certificates, files.variable("NODE_EXTRA_CA_CERTS"), npm.certificates,
        ]
        certificates = Set(named.compactMap(\.self)).sorted().flatMap { path -> [NIOSSLCertificate] in
            if let text = files.text(path), let found = try? NIOSSLCertificate.fromPEMBytes(Array(text.utf8)),
                !found.isEmpty
            {
                return found
            }
            problems.append("the certificates of registries in '\(path)' cannot be read; they have to be PEM")
            return []
        }
        self.problems = problems
    }

    /// Reads the files of this machine.
    /// - Parameter environment: the core's own.
    package static func read(environment: [String: String]) -> RegistrySettings {
        RegistrySettings(SettingsFiles(environment: environment) { Files.text($0) })
    }
}
