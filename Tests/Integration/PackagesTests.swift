import Foundation
import Invok
import TestSupport
import Testing

extension IntegrationTests {
    /// What a function asks for is installed at its deploy: by pip from the registry that this machine's settings name, and by
    /// npm and Go from registries of the test's own.
    @Suite(.timeLimit(.minutes(5)))
    struct PackagesTests {
        private let server = PackageServer.embedded

        @Test func aFlaskAppIsInstalledOnceAndServes() async throws { try await PackageScenarios(server).flask() }
        @Test func whatIsCompiledMarkedAndHashedIsInstalled() async throws {
            try await PackageScenarios(server).wheelsMarkersAndHashes()
        }
        @Test func whatPackageJSONAsksForIsInstalledByNpm() async throws { try await PackageScenarios(server).npm() }
        @Test func lockFilesOfOthersAreReadOrNamed() async throws {
            try await PackageScenarios(server).lockFilesOfOthers()
        }
        @Test func workspacesAreInstalled() async throws { try await PackageScenarios(server).workspaces() }
        @Test func whatGoModAsksForIsDownloaded() async throws { try await PackageScenarios(server).goModules() }

        /// As other tools and systems write them.
        @Test func requirementsOfOtherToolsAreInstalled() async throws {
            try await server.run { client in
                let lines = "--index-url https://pypi.org/simple\n-i https://a.example/simple\n-e .\n-r more.txt\n"
                let files = [
                    "function.py": "import own, six\ndef handler(request): return own.WORD + six.__version__\n",
                    "requirements.txt": lines, "more.txt": "--extra-index-url=https://b.example/\nsix==1.16.0\n",
                    "pyproject.toml": "[project]\nname = 'own'\nversion = '1'\n", "src/own.py": "WORD = 'own '\n",
                ]
                let deployed = try await client.install(files)
                #expect(deployed.status == 200, "\(deployed.deployment)")
                #expect(deployed.deployment.log.contains("'-i https://a.example/simple' is passed over"))
                #expect(try await client.call("GET", client.path("packages")).text == "own 1.16.0")
            }
        }

        @Test(arguments: [
            "git+https://a.example/six.git", "six @ https://a.example/six-1.16.0-py3-none-any.whl",
            "-e git+ssh://git@a.example/six.git#egg=six",
        ])
        func addressesAreNamed(_ requirement: String) async throws {
            try await server.run { client in
                let files = ["function.py": "handler = print\n", "requirements.txt": "six\n\(requirement)\n"]
                let refused = try await client.install(files)
                #expect(refused.status == 422)
                #expect(refused.deployment.detail?.contains("names an address") == true, "\(refused.deployment)")
            }
        }

        /// What the instance says in a sentence is the reason.
        @Test func aStartThatFailsSaysWhy() async throws {
            try await server.run { client in
                let refused = try await client.install(["function.py": "import six\nhandler = print\n"])
                #expect(refused.status == 422)
                #expect(refused.deployment.detail?.contains("nothing installs 'six'") == true, "\(refused.deployment)")
            }
        }

        @Test(arguments: [
            ("six==99.99", "six==99.99"),
            ("invok-has-no-such-package-as-this", "invok-has-no-such-package-as-this"),
        ])
        func whatNoRegistryHasIsNamed(_ requirement: String, _ named: String) async throws {
            try await server.run { client in
                let files = [
                    "function.py": "def handler(request): return 'x'\n", "requirements.txt": requirement + "\n",
                ]
                let refused = try await client.install(files)
                #expect(refused.status == 422)
                #expect(
                    refused.deployment.detail?.contains("no registry has \(named)") == true, "\(refused.deployment)")
            }
        }

        @Test func nothingIsInstalledWhereBuildsReachNothing() async throws {
            try await server.run(["INVOK_BUILD_EGRESS": "off"]) { client in
                let files = ["function.py": "def handler(request): return 'x'\n", "requirements.txt": "six\n"]
                let refused = try await client.install(files)
                #expect(
                    refused.deployment.detail?.contains("reach no package registry") == true, "\(refused.deployment)")
                let go = [
                    "function.go": """
                    package main

                    import (
                    	"net/http"

                    	"said.example/words"
                    )

                    func Handle(w http.ResponseWriter, r *http.Request) { words.Say(w) }
                    """,
                    "go.mod": "module mine\n\ngo 1.23\n\nrequire said.example/words v1.0.0\n",
                ]
                let module = try await client.install(go, runtime: "go")
                #expect(module.deployment.detail?.contains("run 'go mod vendor'") == true, "\(module.deployment)")
            }
        }

        /// What runs in a build is its author's: it reaches the registries, and neither another host nor what another
        /// namespace has installed.
        @Test func aBuildReachesRegistriesOnly() async throws {
            try await server.run { client in
                let script = """
                    import os, socket, urllib.request
                    from setuptools import setup
                    said = []
                    for target in [("1.1.1.1", 80), ("127.0.0.1", 3000), ("169.254.169.254", 80)]:
                        try: socket.create_connection(target, 2); said.append(target[0])
                        except OSError: pass
                    try: urllib.request.urlopen("http://127.0.0.1:8901/pypi/0/file/x/aHR0cDovLzEuMS4xLjEv/x"); said.append("forged")
                    except Exception: pass
                    said += [name for name in os.environ if "TOKEN" in name or "SECRET" in name or "PASSWORD" in name]
                    setup(name="probe", version="1", py_modules=["probe"], description="reached: " + ",".join(said))
                    """
                let files = [
                    "function.py": """
                    import importlib.metadata
                    def handler(request): return importlib.metadata.metadata("probe")["Summary"]
                    """,
                    "requirements.txt": "./probe\n", "probe/setup.py": script, "probe/probe.py": "",
                ]
                let deployed = try await client.install(files)
                #expect(deployed.status == 200, "\(deployed.deployment)")
                #expect(try await client.call("GET", client.path("packages")).text == "reached: ")
            }
        }
    }
}
