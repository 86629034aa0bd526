import Foundation
import Invok
import TestSupport
import Testing

@testable import InvokDocker

/// What becomes of functions when Docker itself fails. Each test has an engine of its own to stop and to fill.
@Suite(.serialized, .enabled(if: Services.areSelected, "the production world is not selected"), .timeLimit(.minutes(5)))
struct DockerFaultTests {
    private static let source = """
        package main
        import "net/http"
        func HelloHandler(w http.ResponseWriter, r *http.Request) { w.Write([]byte("hello")) }
        """

    /// A Go function needs an image of nothing but folders, which is made in a moment.
    private func withOwnDocker(
        _ body: (OwnServices, DockerFixture, BundleID) async throws -> Void
    ) async throws {
        try await DockerFixture.with { builder in
            let bundle = try await builder.build(Self.source, .go)
            try await OwnServices.with("docker") { services in
                try await Services.run(
                    "sh", ["-c", "tar -cf - --files-from /dev/null | docker import - invok/empty:1"],
                    environment: ["DOCKER_HOST": services.dockerHost])
                let images = ["INVOK_GO_IMAGE": "invok/empty:1"]
                try await DockerFixture.with(dockerHost: services.dockerHost, images: images) { fixture in
                    let path = fixture.directory + "/bundles"
                    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                    try FileManager.default.copyItem(
                        atPath: builder.host.bundlePath(bundle), toPath: "\(path)/\(bundle)")
                    try await body(services, fixture, bundle)
                }
            }
        }
    }

    @Test func aRestartOfDockerEndsFunctionsAndIsGotOver() async throws {
        try await withOwnDocker { services, fixture, bundle in
            let exits = fixture.engine.exits()
            let first = try await fixture.engine.start(try fixture.spec(bundle, .go))
            try await services.stop("docker")
            await #expect(throws: EngineError.self) { try await fixture.engine.list() }
            let error = await #expect(throws: EngineError.self) {
                try await fixture.engine.start(try fixture.spec(bundle, .go, ordinal: 2))
            }
            guard case .unavailable(let said)? = error, said.contains("Docker") else {
                Issue.record("\(String(describing: error))")
                return
            }
            try await services.start("docker")
            // By event or by the list after the connection is back: the end is told of.
            #expect(await exits.first { _ in true }?.id == first.id)
            try await eventually("nothing is left") { try await fixture.containers().isEmpty }
            let again = try await fixture.engine.start(try fixture.spec(bundle, .go, ordinal: 3))
            #expect(try await DockerFixture.get("/hello", from: again).text == "hello")
            #expect(try await fixture.engine.list() == [again])
        }
    }

    @Test func aFullDataDirectoryFailsTheBuildAndNothingElse() async throws {
        let small = NSTemporaryDirectory() + "invok-small-\(UUID().uuidString.prefix(8))"
        try await Services.run("mkdir", [small])
        try await Services.run("mount", ["-t", "tmpfs", "-o", "size=512k", "tmpfs", small])
        do {
            let fixture = try DockerFixture(directory: small)
            let source = "#" + String(repeating: "x", count: 1 << 20)
            await #expect(throws: BuildError.full) { try await fixture.build(source) }
            #expect(try await fixture.builder.bundles().isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: small + "/bundles").isEmpty)
            #expect(try await fixture.engine.list().isEmpty)
            await fixture.host.close()
        } catch {
            try await Services.run("umount", ["-l", small])
            throw error
        }
        try await Services.run("umount", ["-l", small])
    }

    @Test func aFullDiskOfDockerFailsTheStartAndSaysSo() async throws {
        try await withOwnDocker { services, fixture, bundle in
            // The engine's own data, on a disk that can be filled.
            let data = try DockerAddress.socketPath(services.dockerHost).replacing("/run/docker.sock", with: "/data")
            let environment = ["DOCKER_HOST": services.dockerHost]
            try await services.stop("docker")
            try await Services.run("mount", ["-t", "tmpfs", "-o", "size=64m", "tmpfs", data])
            try await services.start("docker")
            do {
                try await Services.run(
                    "sh", ["-c", "tar -cf - --files-from /dev/null | docker import - invok/empty:1"],
                    environment: environment)
                let first = try await fixture.engine.start(try fixture.spec(bundle, .go))
                _ = try? await Services.run("dd", ["if=/dev/zero", "of=\(data)/filler", "bs=64k"])
                await #expect(throws: EngineError.startFailed("the server's disk is full")) {
                    try await fixture.engine.start(try fixture.spec(bundle, .go, ordinal: 2))
                }
                #expect(try await DockerFixture.get("/hello", from: first).text == "hello")
                try FileManager.default.removeItem(atPath: data + "/filler")
                let third = try await fixture.engine.start(try fixture.spec(bundle, .go, ordinal: 3))
                #expect(Set(try await fixture.engine.list()) == [first, third])
            } catch {
                _ = try? await Services.run("umount", ["-l", data])
                throw error
            }
            for instance in try await fixture.engine.list() { await fixture.engine.stop(instance.id, grace: .zero) }
            try await services.stop("docker")
            try await Services.run("umount", ["-l", data])
        }
    }
}
