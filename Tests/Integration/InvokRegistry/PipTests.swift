import Foundation
import Invok
import InvokBuild
import InvokPOSIX
import InvokSim
import TestSupport
import Testing

@testable import InvokRegistry

/// pip of this machine against the index of its operator, through the mirror.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct PipTests {
    private let root: TemporaryFolder
    private let settings = RegistrySettings.read(environment: ProcessInfo.processInfo.environment)
    private let six = "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254"

    init() throws { root = try TemporaryFolder() }

    private func install(_ build: MirroredBuild, _ requirements: String) async throws -> (status: Int32, output: String)
    {
        try build.write(requirements, to: "requirements.txt")
        return try await build.run(
            "python3",
            [
                "python3", "-m", "pip", "install", "--no-cache-dir", "--only-binary", ":all:", "--target",
                build.folder + "/target", "-r", "requirements.txt",
            ])
    }

    @Test func whatIsInstalledOnceComesFromTheCacheAfterwards() async throws {
        let requirements =
            "six==1.16.0 --hash=sha256:\(six)\nmarkupsafe==2.1.5 --hash=sha256:\(String(repeating: "0", count: 64))\n"
        let unhashed = "six==1.16.0\nmarkupsafe==2.1.5\ncolorama==0.4.6; sys_platform == 'win32'\n"
        try await MirroredBuild.run(settings, in: root) { build in
            let result = try await install(build, unhashed)
            #expect(result.status == 0, "\(result.output)")
            let names = Files.names(in: build.folder + "/target")
            #expect(names.contains("six.py") && names.contains("markupsafe") && !names.contains("colorama"))
            #expect(Files.names(in: build.folder + "/target/markupsafe").contains { $0.hasSuffix(".so") })
            // What pip thinks of hashes stands.
            let wrong = try await install(build, requirements)
            #expect(
                wrong.status != 0 && wrong.output.contains("THESE PACKAGES DO NOT MATCH THE HASHES"), "\(wrong.output)")
        }
        let away = SimPackageSource()
        away.setAway(true)
        try await MirroredBuild.run(settings, in: root, source: away) { build in
            let result = try await install(build, "six==1.16.0 --hash=sha256:\(six)\n")
            #expect(result.status == 0, "\(result.output)")
            #expect(try await install(build, unhashed).status == 0)
            let other = try await install(build, "colorama==0.4.6")
            #expect(other.status != 0)
            // pip does not say so.
            #expect(build.door.failures.contains { $0.contains("the server does not reach") })
        }
        #expect(away.requests.allSatisfy { !$0.url.hasSuffix(".whl") })
    }

    @Test func whatThereIsNotIsSaidByPip() async throws {
        try await MirroredBuild.run(settings, in: root) { build in
            let version = try await install(build, "six==99.99")
            #expect(version.status != 0 && version.output.contains("1.16.0"), "\(version.output)")
            #expect(version.output.contains("No matching distribution found for six==99.99"))
            let name = try await install(build, "invok-has-no-such-package-anywhere")
            #expect(name.status != 0, "\(name.output)")
            #expect(name.output.contains("No matching distribution found for invok-has-no-such-package-anywhere"))
        }
    }
}
