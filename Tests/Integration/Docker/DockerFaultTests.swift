import Foundation
import Invok
import TestSupport
import Testing

@testable import InvokDocker

/// What becomes of functions when the machine under Docker fails.
@Suite(.serialized, .enabled(if: Services.areSelected, "the production world is not selected"), .timeLimit(.minutes(5)))
struct DockerFaultTests {
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
}
