import Foundation
import Invok
import TestSupport
import Testing

extension IntegrationTests {
    /// What a function asks for is installed at its deploy: by pip from the registry that this machine's settings name, and by
    /// npm and Go from registries of the test's own.
    @Suite(.timeLimit(.minutes(5)))
    struct PackagesTests {
        private struct Deployment: Decodable {
            let build_log: String?
            let detail: String?

            var log: String { build_log ?? "" }
        }

        /// A server whose builds reach registries, and somebody who deploys to it.
        private func withServer(
            _ environment: [String: String] = [:], _ body: (ServerClient) async throws -> Void
        ) async throws {
            try await withFolder { folder in
                let core = try await CoreProcess.start(
                    dataDirectory: folder.appending(path: "data").path, port: 0, environment: environment)
                do {
                    try await body(try await ServerClient.register(at: core.url))
                } catch {
                    await core.end(with: SIGTERM)
                    throw error
                }
                await core.end(with: SIGTERM)
            }
        }

        private func deploy(
            _ files: [String: String], as name: String = "packages", runtime: String = "python", to client: ServerClient
        ) async throws -> (status: Int, deployment: Deployment, time: Duration) {
            var zip = ZipWriter()
            zip.add(
                "config.json",
                content: Array(#"{"function_name":"\#(name)","runtime":"\#(runtime)","access":"public"}"#.utf8))
            for (path, text) in files { zip.add(path, content: Array(text.utf8)) }
            let clock = ContinuousClock()
            let began = clock.now
            let answer = try await client.upload(zip.finish(), as: "\(name).zip")
            let time = clock.now - began
            return (answer.status, try JSONDecoder().decode(Deployment.self, from: Data(answer.body)), time)
        }

        private static let flask = """
            from flask import Flask, redirect, url_for
            app = Flask(__name__)
            @app.get("/")
            def root(): return "TEXT " + url_for("other")
            @app.get("/other")
            def other(): return "other"
            """

        @Test func aFlaskAppIsInstalledOnceAndServes() async throws {
            try await withServer { client in
                let manifest = ["requirements.txt": "flask>=3,<4  # and what it needs\n"]
                var files = manifest.merging(["function.py": Self.flask]) { $1 }
                let first = try await deploy(files, to: client)
                #expect(first.status == 200, "\(first.deployment)")
                #expect(first.deployment.log.contains("Successfully installed"), "\(first.deployment.log)")
                let answer = try await client.call("GET", client.path("packages"))
                #expect(answer.text == "TEXT \(client.path("packages"))/other")

                files["function.py"] = Self.flask.replacing("TEXT", with: "changed")
                let second = try await deploy(files, to: client)
                #expect(second.status == 200, "\(second.deployment)")
                #expect(!second.deployment.log.contains("Collecting"), "\(second.deployment.log)")
                #expect(try await client.call("GET", client.path("packages")).text.hasPrefix("changed "))
                print("Flask: deployed in \(first.time), and with another handler in \(second.time)")
            }
        }

        @Test func whatIsCompiledMarkedAndHashedIsInstalled() async throws {
            try await withServer { client in
                let files = [
                    "function.py": "import markupsafe._speedups, six\ndef handler(request): return six.__version__\n",
                    "requirements.txt": """
                    markupsafe==2.1.5
                    never-to-be-there ; sys_platform == "win32"
                    -r more/six.txt
                    """,
                    "more/six.txt": "six==1.16.0\n",
                ]
                let deployed = try await deploy(files, to: client)
                #expect(deployed.status == 200, "\(deployed.deployment)")
                #expect(try await client.call("GET", client.path("packages")).text == "1.16.0")

                let hashed = [
                    "function.py": "import six\ndef handler(request): return six.__version__\n",
                    "requirements.txt": "six==1.16.0 --hash=sha256:\(String(repeating: "0", count: 64))\n",
                ]
                let refused = try await deploy(hashed, as: "hashed", to: client)
                #expect(refused.status == 422)
                #expect(refused.deployment.detail?.contains("hash") == true, "\(refused.deployment)")
            }
        }

        @Test(arguments: [
            ("six==99.99", "six==99.99"),
            ("invok-has-no-such-package-as-this", "invok-has-no-such-package-as-this"),
        ])
        func whatNoRegistryHasIsNamed(_ requirement: String, _ named: String) async throws {
            try await withServer { client in
                let files = [
                    "function.py": "def handler(request): return 'x'\n", "requirements.txt": requirement + "\n",
                ]
                let refused = try await deploy(files, to: client)
                #expect(refused.status == 422)
                #expect(
                    refused.deployment.detail?.contains("no registry has \(named)") == true, "\(refused.deployment)")
            }
        }

        @Test func nothingIsInstalledWhereBuildsReachNothing() async throws {
            try await withServer(["INVOK_BUILD_EGRESS": "off"]) { client in
                let files = ["function.py": "def handler(request): return 'x'\n", "requirements.txt": "six\n"]
                let refused = try await deploy(files, to: client)
                #expect(
                    refused.deployment.detail?.contains("reach no package registry") == true, "\(refused.deployment)")
            }
        }

        /// What runs in a build is its author's: it reaches the registries, and neither another host nor what another
        /// namespace has installed.
        @Test func aBuildReachesRegistriesOnly() async throws {
            try await withServer { client in
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
                let deployed = try await deploy(files, to: client)
                #expect(deployed.status == 200, "\(deployed.deployment)")
                #expect(try await client.call("GET", client.path("packages")).text == "reached: ")
            }
        }
    }
}
