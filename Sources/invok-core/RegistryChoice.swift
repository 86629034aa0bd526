import Invok
import InvokBuild
import InvokRegistry
import Logging

/// What of the world builds reach, as the operator chose by `INVOK_BUILD_EGRESS`.
struct RegistryChoice: Sendable {
    enum Egress: String, CaseIterable, Sendable {
        /// Nothing.
        case off
        /// The package registries that the operator's pip, npm and Go settings name.
        case registries
    }

    /// `nil` where builds reach nothing.
    let registries: (any BuildRegistries)?
    /// What of the settings builds do not reach, each a sentence for the operator.
    let limitations: [String]
    private let closing: @Sendable () async -> Void

    static func make(
        _ configuration: CoreConfiguration, cacheDirectory: String, clock: any Clock, logger: Logger
    ) -> RegistryChoice {
        guard configuration.buildEgress == .registries else {
            return RegistryChoice(registries: nil, limitations: [], closing: {})
        }
        let settings = RegistrySettings.read(environment: configuration.environment)
        let source = HTTPPackageSource(settings, environment: configuration.environment)
        let server = RegistryServer(
            settings: settings, source: source, cacheDirectory: cacheDirectory + "/registries", clock: clock,
            logger: logger)
        return RegistryChoice(
            registries: server, limitations: settings.problems, closing: { await source.close() })
    }

    /// Ends the connections to registries. To be called once no build runs any more.
    func close() async { await closing() }
}
