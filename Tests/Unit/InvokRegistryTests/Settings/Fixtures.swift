import Invok

@testable import InvokRegistry

extension SettingsFiles {
    /// Settings of a person whose home is `/home/op`.
    init(_ environment: [String: String] = [:], files: [String: String] = [:]) {
        self.init(environment: ["HOME": "/home/op"].merging(environment) { $1 }) { files[$0] }
    }
}

extension RegistrySettings {
    init(_ environment: [String: String] = [:], files: [String: String] = [:]) {
        self.init(SettingsFiles(environment, files: files))
    }

    /// What a request of an ecosystem's would show.
    func shown(_ url: String, _ ecosystem: PackageEcosystem) -> String? {
        RegistryURL(url).flatMap { credentials.authorization(for: $0, ecosystem) }
    }
}
