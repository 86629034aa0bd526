import Foundation
import Invok
import InvokBuild
import InvokPOSIX
import TestSupport
import Testing

@testable import InvokDocker

/// What becomes of functions when Docker itself fails, or the machine under it. Tests that stop an engine or fill its disk
/// have one of their own.
@Suite(.serialized, .enabled(if: Services.areSelected), .timeLimit(.minutes(5)))
struct DockerFaultTests {
    private static let hello = "def handler(request): return 'hello'"

    // MARK: Docker that is not there

    @Test func anAbsentSocketIsNamedWithTheNextStep() async throws {
        let path = NSTemporaryDirectory() + "invok-absent-\(UUID().uuidString.prefix(8))"
        try await DockerFixture.with(dockerHost: "unix://\(path)") { fixture in
            let error = EngineError.unavailable(
                "there is no Docker at \(path): start Docker, or set DOCKER_HOST to unix:// and its socket's path")
            await #expect(throws: error) { try await fixture.engine.prepare() }
            await #expect(throws: error) { try await fixture.engine.list() }
        }
    }

    /// Left behind by an engine that has ended.
    @Test func aSocketThatRefusesIsNamedWithTheNextStep() async throws {
        let path = NSTemporaryDirectory() + "invok-refusing-\(UUID().uuidString.prefix(8))"
        try await Services.run(
            "python3", ["-c", "import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])", path])
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await DockerFixture.with(dockerHost: "unix://\(path)") { fixture in
            let error = await #expect(throws: EngineError.self) { try await fixture.engine.list() }
            guard case .unavailable(let said)? = error else { throw NeverHappened(description: "\(error as Any)") }
            #expect(said.hasPrefix("Docker does not answer at \(path): "))
            let refused = await #expect(throws: BuildError.self) { try await fixture.build(Self.hello) }
            guard case .unavailable(let reason, _)? = refused else {
                throw NeverHappened(description: "\(refused as Any)")
            }
            #expect(reason.hasPrefix("Docker does not answer at \(path): "))
        }
    }

    // MARK: Docker that goes and comes

    @Test func aRestartOfDockerEndsFunctionsAndIsGotOver() async throws {
        try await withOwnDocker { services, fixture in
            let exits = fixture.engine.exits()
            let bundle = try await fixture.build(Self.hello)
            let first = try await fixture.engine.start(try fixture.spec(bundle))
            try await services.stop("docker")
            await #expect(throws: EngineError.self) { try await fixture.engine.list() }
            let error = await #expect(throws: EngineError.self) {
                try await fixture.engine.start(try fixture.spec(bundle, ordinal: 2))
            }
            guard case .unavailable(let said)? = error, said.contains("Docker") else {
                Issue.record("\(String(describing: error))")
                return
            }
            try await services.start("docker")
            // By event or by the list after the connection is back: the end is told of.
            #expect(await exits.first { _ in true }?.id == first.id)
            try await eventually("nothing is left") {
                let listed = try await fixture.engine.list()
                let left = try await fixture.containers()
                return listed.isEmpty && left.isEmpty
            }
            let again = try await fixture.engine.start(try fixture.spec(bundle, ordinal: 3))
            #expect(try await DockerFixture.get("/hello", from: again).text == "hello")
            #expect(try await fixture.engine.list() == [again])
        }
    }

    /// Whatever was waiting for the engine does not wait on, and leaves nothing.
    @Test func whatIsUnderWayWhenDockerGoesFails() async throws {
        try await withOwnDocker { services, fixture in
            let bundle = try await fixture.build(Self.hello)
            let building = Task { try await fixture.build("import time; time.sleep(600)", deadlineSeconds: 600) }
            try await eventually("it runs") { try await fixture.containers().contains(where: \.isRunning) }
            let specs = try (1...8 as ClosedRange<UInt32>).map { try fixture.spec(bundle, ordinal: $0) }
            let starting = specs.map { spec in Task { try await fixture.engine.start(spec) } }
            // Not all of them are through, since only some start at a time.
            try await eventually("starts are under way") { try await fixture.containers().count > 1 }
            try await services.stop("docker")
            var failed = 0
            for start in starting {
                if case .failure(let error) = await start.result {
                    #expect(error is EngineError)
                    failed += 1
                }
            }
            #expect(failed > 0)
            let build = await building.result
            // Docker ends the containers that it leaves, and may still say so.
            if let run = try? build.get() { #expect(run.status.code == 128 + SIGTERM) }
            try await services.start("docker")
            try await eventually("nothing is left") {
                let listed = try await fixture.engine.list()
                let left = try await fixture.containers()
                return listed.isEmpty && left.isEmpty
            }
        }
    }

    // MARK: Full disks

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
        try await Services.run("rmdir", [small])
    }

    @Test func aFullDiskOfDockerFailsStartsAndBuildsAndSaysSo() async throws {
        try await withOwnDocker(onDiskOf: 512) { services, fixture in
            let bundle = try await fixture.build(Self.hello)
            let first = try await fixture.engine.start(try fixture.spec(bundle))
            let filler = Self.data(of: services) + "/filler"
            _ = try? await Services.run("dd", ["if=/dev/zero", "of=\(filler)", "bs=64k"])
            await #expect(throws: EngineError.startFailed("the server's disk is full")) {
                try await fixture.engine.start(try fixture.spec(bundle, ordinal: 2))
            }
            await #expect(throws: BuildError.full) { try await fixture.build(Self.hello + " # another") }
            #expect(try await DockerFixture.get("/hello", from: first).text == "hello")
            try FileManager.default.removeItem(atPath: filler)
            let third = try await fixture.engine.start(try fixture.spec(bundle, ordinal: 3))
            #expect(Set(try await fixture.engine.list()) == [first, third])
        }
    }

    // MARK: An engine of a test's own

    private static func data(of services: OwnServices) -> String {
        services.dockerHost.replacing("unix://", with: "").replacing("/run/docker.sock", with: "/data")
    }

    /// - Parameter megabytes: the size of the disk that its data lies on, in memory; that of the machine by default.
    private func withOwnDocker(
        onDiskOf megabytes: Int? = nil, _ body: (OwnServices, DockerFixture) async throws -> Void
    ) async throws {
        let image = try DockerFixture.image(of: .python)
        try await OwnServices.with("docker") { services in
            if let megabytes {
                try await services.stop("docker")
                // `ci/services down` takes the mount away.
                try await Services.run(
                    "mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", Self.data(of: services)])
                try await services.start("docker")
            }
            try await Services.run(
                "sh", ["-c", #"docker save "$0" | docker --host "$1" load --quiet"#, image, services.dockerHost],
                environment: ["DOCKER_HOST": try Services.dockerHost()])
            try await DockerFixture.with(
                dockerHost: services.dockerHost, images: ["INVOK_PYTHON_BUILDER_IMAGE": image]
            ) { fixture in try await body(services, fixture) }
        }
    }
}
