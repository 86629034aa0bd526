import Invok
import InvokPOSIX

/// The package registries that builds may reach: those that the operator's own pip, npm and Go go by.
package struct RegistrySettings: Sendable {
    let pip: PipSettings
    let npm: NpmSettings
    let go: GoSettings
    let credentials: Credentials
    /// What of the settings cannot be used, each a sentence for the operator.
    package let problems: [String]

    init(_ files: SettingsFiles) {
        var credentials = Credentials()
        var problems: [String] = []
        pip = PipSettings(files, &credentials, problems: &problems)
        npm = NpmSettings(files, &credentials, problems: &problems)
        go = GoSettings(files, &credentials, problems: &problems)
        self.credentials = credentials
        self.problems = problems
    }

    /// Reads the files of this machine.
    /// - Parameter environment: the core's own.
    package static func read(environment: [String: String]) -> RegistrySettings {
        RegistrySettings(SettingsFiles(environment: environment) { Files.text($0) })
    }
}
