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
                let module = try await deploy(go, runtime: "go", to: client)
                #expect(module.deployment.detail?.contains("run 'go mod vendor'") == true, "\(module.deployment)")
            }
        }

        @Test func whatPackageJSONAsksForIsInstalledByNpm() async throws {
            try await withFolder { folder in
                try Self.write(
                    [
                        "package.json": #"{"name": "said", "version": "1.2.0"}"#,
                        "index.js": "module.exports = 'said';\n",
                    ],
                    to: folder.appending(path: "package"))
                let tar = Process()
                tar.executableURL = URL(filePath: "/bin/tar")
                tar.arguments = ["-czf", "\(folder.path)/said.tgz", "-C", folder.path, "package"]
                let ended = ProcessEnd(of: tar)
                try tar.run()
                await ended.wait()
                let tarball = Array(try Data(contentsOf: folder.appending(path: "said.tgz")))
                try await TestRegistry.run { registry in
                    let packument = """
                        {"name": "said", "dist-tags": {"latest": "1.2.0"}, "versions": {"1.2.0": {"name": "said",
                        "version": "1.2.0", "dist": {"tarball": "\(registry.url)/said/-/said-1.2.0.tgz"}}}}
                        """
                    registry.put(.init(Array(packument.utf8), type: "application/json"), at: "/said")
                    registry.put(.init(tarball, type: "application/octet-stream"), at: "/said/-/said-1.2.0.tgz")
                    try await withServer(["npm_config_registry": registry.url + "/"]) { client in
                        var files = [
                            "function.js": "import said from 'said';\nexport default () => new Response(said);\n",
                            "package.json": #"{"type": "module", "dependencies": {"said": "^1.0.0"}}"#,
                        ]
                        let first = try await deploy(files, runtime: "nodejs", to: client)
                        #expect(first.status == 200, "\(first.deployment)")
                        #expect(try await client.call("GET", client.path("packages")).text == "said")
                        let asked = registry.requests.count
                        files["function.js"]?.append("// changed\n")
                        #expect(try await deploy(files, runtime: "nodejs", to: client).status == 200)
                        #expect(registry.requests.count == asked, "nothing is installed twice")
                        files["package.json"] = #"{"type": "module", "dependencies": {"said": "^9.0.0"}}"#
                        let refused = try await deploy(files, runtime: "nodejs", to: client)
                        #expect(refused.deployment.detail?.contains("no said@^9.0.0") == true, "\(refused.deployment)")
                    }
                }
            }
        }

        @Test func whatGoModAsksForIsDownloaded() async throws {
            try await withFolder { folder in
                let module = "module said.example/words\n\ngo 1.21\n"
                var zip = ZipWriter()
                zip.add("said.example/words@v1.0.0/go.mod", content: Array(module.utf8))
                zip.add(
                    "said.example/words@v1.0.0/words.go",
                    content: Array("package words\n\nconst Said = \"said\"\n".utf8))
                let versions = folder.appending(path: "said.example/words/@v")
                try Self.write(
                    ["list": "v1.0.0\n", "v1.0.0.info": #"{"Version": "v1.0.0"}"#, "v1.0.0.mod": module], to: versions)
                try Data(zip.finish()).write(to: versions.appending(path: "v1.0.0.zip"))
                try await withServer(["GOPROXY": "file://\(folder.path)", "GOSUMDB": "off"]) { client in
                    var files = [
                        "function.go": """
                        package main

                        import (
                        	"io"
                        	"net/http"

                        	"said.example/words"
                        )

                        func Handle(w http.ResponseWriter, r *http.Request) { io.WriteString(w, words.Said) }
                        """,
                        "go.mod": "module mine\n\ngo 1.23\n\nrequire said.example/words v1.0.0\n",
                    ]
                    let untidy = try await deploy(files, runtime: "go", to: client)
                    #expect(untidy.deployment.detail?.contains("run 'go mod tidy'") == true, "\(untidy.deployment)")
                    files["go.sum"] = try await Self.tidied(files, in: folder.appending(path: "project"), folder)
                    let deployed = try await deploy(files, runtime: "go", to: client)
                    #expect(deployed.status == 200, "\(deployed.deployment)")
                    #expect(try await client.call("GET", client.path("packages")).text == "said")
                    files["go.mod"] = "module mine\n\ngo 1.23\n\nrequire said.example/words v1.9.0\n"
                    let refused = try await deploy(files, runtime: "go", to: client)
                    #expect(
                        refused.deployment.detail?.contains("no said.example/words@v1.9.0") == true,
                        "\(refused.deployment)")
                }
            }
        }

        /// What `go mod tidy` writes into `go.sum`.
        private static func tidied(
            _ files: [String: String], in folder: URL, _ modules: URL
        ) async throws -> String {
            try write(files, to: folder)
            let tidy = Process()
            tidy.executableURL = URL(filePath: try InstalledTool.path(of: "go"))
            tidy.arguments = ["mod", "tidy"]
            tidy.currentDirectoryURL = folder
            tidy.environment = [
                "GOPROXY": "file://\(modules.path)", "GOSUMDB": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-modcacherw",
                "HOME": folder.path, "PATH": "/usr/bin:/bin",
            ]
            let ended = ProcessEnd(of: tidy)
            try tidy.run()
            await ended.wait()
            return try String(contentsOf: folder.appending(path: "go.sum"), encoding: .utf8)
        }

        private static func write(_ files: [String: String], to folder: URL) throws {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
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
