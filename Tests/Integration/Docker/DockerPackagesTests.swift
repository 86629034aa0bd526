import TestSupport
import Testing

/// Packages are installed in the builder's container, which has no network: it reaches the server's registries by their socket.
@Suite(.enabled(if: Services.areSelected), .serialized, .timeLimit(.minutes(5)))
struct DockerPackagesTests {
    private let scenarios = PackageScenarios(.docker)

    @Test func aFlaskAppIsInstalledOnceAndServes() async throws { try await scenarios.flask() }
    @Test func whatIsCompiledMarkedAndHashedIsInstalled() async throws { try await scenarios.wheelsMarkersAndHashes() }
    @Test func whatPackageJSONAsksForIsInstalledByNpm() async throws { try await scenarios.npm() }
    @Test func whatGoModAsksForIsDownloaded() async throws { try await scenarios.goModules() }
}
