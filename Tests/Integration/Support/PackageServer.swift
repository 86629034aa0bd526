import Foundation
import Invok
import TestSupport

/// A server of a test's own, whose builds reach registries.
enum PackageServer: Sendable {
    case embedded
    case docker

    /// Runs the body with somebody who deploys to it.
    func run(_ environment: [String: String] = [:], _ body: (ServerClient) async throws -> Void) async throws {
        try await withFolder { folder in
            let data = folder.appending(path: "data").path
            var environment = environment
            environment["INVOK_ENGINE"] = self == .docker ? "docker" : "sandbox"
            if self == .docker { environment["DOCKER_HOST"] = try Services.dockerHost() }
            let core = try await CoreProcess.start(dataDirectory: data, port: 0, environment: environment)
            do {
                try await body(try await ServerClient.register(at: core.url))
            } catch {
                await end(core, data)
                throw error
            }
            await end(core, data)
        }
    }

    /// Containers outlive their server.
    private func end(_ core: CoreProcess, _ dataDirectory: String) async {
        await core.end(with: SIGTERM)
        if self == .docker { try? await Services.removeContainers(ofDataDirectory: dataDirectory) }
    }
}

/// What a deploy with packages was answered.
struct Deployment: Decodable, Sendable {
    let build_log: String?
    let detail: String?

    var log: String { build_log ?? "" }
}

extension ServerClient {
    /// Deploys a public function.
    func install(
        _ files: [String: String], as name: String = "packages", runtime: String = "python"
    ) async throws -> (status: Int, deployment: Deployment, time: Duration) {
        var zip = ZipWriter()
        zip.add(
            "config.json",
            content: Array(#"{"function_name":"\#(name)","runtime":"\#(runtime)","access":"public"}"#.utf8))
        for (path, text) in files { zip.add(path, content: Array(text.utf8)) }
        let clock = ContinuousClock()
        let began = clock.now
        let answer = try await upload(zip.finish(), as: "\(name).zip")
        let time = clock.now - began
        return (answer.status, try JSONDecoder().decode(Deployment.self, from: Data(answer.body)), time)
    }
}
