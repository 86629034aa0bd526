import Invok
import InvokBuild
import InvokPOSIX
import Logging
import Testing

@testable import InvokSandbox

/// Registries that never answer: what needs one fails.
private final class SilentRegistries: BuildRegistries {
    /// Listens, and takes nobody in.
    private struct Door: RegistryDoor {
        let socket: Descriptor
        func close() async {}
    }

    func environment(for tool: String) -> [String: String] {
        [
            "PIP_INDEX_URL": "http://127.0.0.1:\(RegistryPlace.port)/pypi/0/simple", "PIP_RETRIES": "0",
            "PIP_DEFAULT_TIMEOUT": "1",
        ]
    }

    func open(at path: String) async throws(SystemError) -> any RegistryDoor {
        let slash = path.lastIndex(of: "/") ?? path.startIndex
        return Door(
            socket: try ListeningSocket.listen(
                String(path[path.index(after: slash)...]), in: String(path[..<slash]), mode: 0o666))
    }
}

/// What of packages is settled without any registry.
struct PackageInstallTests {
    private func builder(_ fixture: Fixture) -> SandboxFunctionBuilder {
        SandboxFunctionBuilder(host: fixture.host, logger: Logger(label: "test"))
    }

    private func build(
        _ files: [String: String], _ fixture: Fixture, name: String = #function
    ) async throws -> BuildResult {
        let (source, artifact) = try SandboxFunctionBuilderTests.source(.python, changing: files)
        return try await builder(fixture).build(source, artifact: artifact, of: Fixture.namespace)
    }

    private func refusal(_ files: [String: String], _ fixture: Fixture) async throws -> String {
        let error = await #expect(throws: BuildError.self) { try await build(files, fixture) }
        guard case .failed(let reason, _)? = error else { return "\(String(describing: error))" }
        return reason
    }

    private static func metadata(_ name: String, _ version: String) -> [String: String] {
        [
            "vendor/\(name)/__init__.py": "",
            "vendor/\(name)-\(version).dist-info/METADATA":
                "Metadata-Version: 2.1\nName: \(name)\nVersion: \(version)\n",
        ]
    }

    @Test func whatIsVendoredIsUsedAsItIsJudgedByPip() async throws {
        let fixture = try Fixture(registries: SilentRegistries())
        let files = Self.metadata("click", "8.1.7").merging([
            "requirements.txt": """
            --index-url https://elsewhere.example/simple
            click~=8.1,<9 ; python_version >= "3.9" and python_version < "4.0"  # the tool
            colorama==0.4.6 ; python_version >= "3.9" and platform_system == "Windows"
            -r more/base.txt
            """,
            "more/base.txt": "CLICK[extra]!=8.1.6\n",
        ]) { $1 }
        let result = try await build(files, fixture)
        let bundle = fixture.host.bundlePath(result.bundle)
        #expect(Files.exists("\(bundle)/vendor/click/__init__.py"))
        #expect(!Files.exists("\(bundle)/.invok/packages"))
    }

    @Test func anotherVersionThanTheOneThatIsAskedForIsNamed() async throws {
        let fixture = try Fixture()
        let files = Self.metadata("click", "7.0").merging(["requirements.txt": "click>=8\n"]) { $1 }
        let reason = try await refusal(files, fixture)
        #expect(reason.contains("click>=8") && reason.contains("the archive has click 7.0"), "\(reason)")
    }

    @Test func whatIsForAnotherMachineIsNamedWithTheWayToGetTheRightOne() async throws {
        let fixture = try Fixture()
        var files = Self.metadata("fast", "1.0")
        files["vendor/fast-1.0.dist-info/WHEEL"] =
            "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp27-cp27mu-win32\n"
        let reason = try await refusal(files, fixture)
        #expect(reason.contains("fast 1.0 is made for cp27-cp27mu-win32"), "\(reason)")
        #expect(reason.contains("--only-binary=:all:"), "\(reason)")
    }

    @Test func withoutRegistriesItIsSaidWhatToBring() async throws {
        let fixture = try Fixture()
        let reason = try await refusal(["requirements.txt": "flask\nrequests>=2\n"], fixture)
        #expect(reason.contains("asks for flask, requests>=2"), "\(reason)")
        #expect(reason.contains("pip install --target vendor"), "\(reason)")
    }

    @Test func whatPyprojectAsksForIsReadToo() async throws {
        let fixture = try Fixture()
        let project = "[project]\nname = \"x\"\nversion = \"1\"\ndependencies = [\"attrs>=20\"]\n"
        #expect(try await refusal(["pyproject.toml": project], fixture).contains("pyproject.toml asks for attrs>=20"))
        let dynamic = "[project]\nname = \"x\"\nversion = \"1\"\ndynamic = [\"dependencies\"]\n"
        #expect(try await refusal(["pyproject.toml": dynamic], fixture).contains("export them"))
        _ = try await build(["pyproject.toml": "[tool.ruff]\nline-length = 100\n"], fixture)
    }

    @Test func whatIsNoRequirementIsNamed() async throws {
        let fixture = try Fixture()
        #expect(try await refusal(["requirements.txt": "two words\n"], fixture).contains("'two words'"))
        #expect(
            try await refusal(["requirements.txt": "-r base.txt\n"], fixture)
                .contains("includes 'base.txt', which is not in the archive"))
    }

    @Test func aRegistryThatDoesNotAnswerIsSaid() async throws {
        let fixture = try Fixture(registries: SilentRegistries())
        let reason = try await refusal(["requirements.txt": "flask\n"], fixture)
        #expect(reason.contains("registry"), "\(reason)")
        // Nothing is kept of what failed.
        #expect(Files.names(in: fixture.host.bundlesDirectory + "/.packages").isEmpty)
    }
}
