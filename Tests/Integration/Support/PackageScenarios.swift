import Foundation
import Invok
import TestSupport
import Testing

/// What packages are installed and serve, on a server of any engine.
struct PackageScenarios: Sendable {
    let server: PackageServer

    init(_ server: PackageServer) { self.server = server }

    private static let flask = """
        from flask import Flask, redirect, url_for
        app = Flask(__name__)
        @app.get("/")
        def root(): return "TEXT " + url_for("other")
        @app.get("/other")
        def other(): return "other"
        """

    func flask() async throws {
        try await server.run { client in
            let manifest = ["requirements.txt": "flask>=3,<4  # and what it needs\n"]
            var files = manifest.merging(["function.py": Self.flask]) { $1 }
            let first = try await client.install(files)
            #expect(first.status == 200, "\(first.deployment)")
            #expect(first.deployment.log.contains("Successfully installed"), "\(first.deployment.log)")
            let answer = try await client.call("GET", client.path("packages"))
            #expect(answer.text == "TEXT \(client.path("packages"))/other")

            files["function.py"] = Self.flask.replacing("TEXT", with: "changed")
            let second = try await client.install(files)
            #expect(second.status == 200, "\(second.deployment)")
            #expect(!second.deployment.log.contains("Collecting"), "\(second.deployment.log)")
            #expect(try await client.call("GET", client.path("packages")).text.hasPrefix("changed "))
            print("Flask: deployed in \(first.time), and with another handler in \(second.time)")
        }
    }

    func wheelsMarkersAndHashes() async throws {
        try await server.run { client in
            let files = [
                "function.py": "import markupsafe._speedups, six\ndef handler(request): return six.__version__\n",
                "requirements.txt": """
                markupsafe==2.1.5
                never-to-be-there ; sys_platform == "win32"
                -r more/six.txt
                """,
                "more/six.txt": "six==1.16.0\n",
            ]
            let deployed = try await client.install(files)
            #expect(deployed.status == 200, "\(deployed.deployment)")
            #expect(try await client.call("GET", client.path("packages")).text == "1.16.0")

            let hashed = [
                "function.py": "import six\ndef handler(request): return six.__version__\n",
                "requirements.txt": "six==1.16.0 --hash=sha256:\(String(repeating: "0", count: 64))\n",
            ]
            let refused = try await client.install(hashed, as: "hashed")
            #expect(refused.status == 422)
            #expect(refused.deployment.detail?.contains("hash") == true, "\(refused.deployment)")
        }
    }

    func npm() async throws {
        try await withSaid { registry in
            try await server.run(["npm_config_registry": registry.url + "/"]) { client in
                var files = [
                    "function.js": "import said from 'said';\nexport default () => new Response(said);\n",
                    "package.json": #"{"type": "module", "dependencies": {"said": "^1.0.0"}}"#,
                ]
                let first = try await client.install(files, runtime: "nodejs")
                #expect(first.status == 200, "\(first.deployment)")
                #expect(try await client.call("GET", client.path("packages")).text == "said 1.2.0")
                let asked = registry.requests.count
                files["function.js"]?.append("// changed\n")
                #expect(try await client.install(files, runtime: "nodejs").status == 200)
                #expect(registry.requests.count == asked, "nothing is installed twice")
                files["package.json"] = #"{"type": "module", "dependencies": {"said": "^9.0.0"}}"#
                let refused = try await client.install(files, runtime: "nodejs")
                #expect(refused.deployment.detail?.contains("no said@^9.0.0") == true, "\(refused.deployment)")
            }
        }
    }

    /// The versions of yarn's first format hold; of what npm cannot read the log says what to do.
    func lockFilesOfOthers() async throws {
        try await withSaid { registry in
            try await server.run(["npm_config_registry": registry.url + "/"]) { client in
                var files = [
                    "function.js": "import said from 'said';\nexport default () => new Response(said);\n",
                    "package.json": #"{"type": "module", "dependencies": {"said": "^1.0.0"}}"#,
                    "yarn.lock": """
                    # yarn lockfile v1


                    said@^1.0.0:
                      version "1.0.0"
                      resolved "https://registry.yarnpkg.com/said/-/said-1.0.0.tgz"

                    """,
                ]
                #expect(try await client.install(files, runtime: "nodejs").status == 200)
                #expect(try await client.call("GET", client.path("packages")).text == "said 1.0.0")
                for (name, text) in [("yarn.lock", "__metadata:\n  version: 8\n"), ("pnpm-lock.yaml", "")] {
                    files["yarn.lock"] = nil
                    files[name] = text
                    let deployed = try await client.install(files, runtime: "nodejs")
                    #expect(deployed.status == 200)
                    #expect(deployed.deployment.log.contains("npm does not read \(name)"), "\(deployed.deployment)")
                    #expect(try await client.call("GET", client.path("packages")).text == "said 1.2.0")
                }
            }
        }
    }

    func workspaces() async throws {
        try await withSaid { registry in
            try await server.run(["npm_config_registry": registry.url + "/"]) { client in
                let files = [
                    "function.js": "import own from 'own';\nexport default () => new Response(own);\n",
                    "package.json": #"{"type": "module", "workspaces": ["packages/*"]}"#,
                    "packages/own/package.json":
                        #"{"name": "own", "version": "1.0.0", "main": "own.js", "dependencies": {"said": "1.0.0"}}"#,
                    "packages/own/own.js": "module.exports = 'own ' + require('said');\n",
                ]
                let deployed = try await client.install(files, runtime: "nodejs")
                #expect(deployed.status == 200, "\(deployed.deployment)")
                #expect(try await client.call("GET", client.path("packages")).text == "own said 1.0.0")
            }
        }
    }

    /// A registry with two versions of one package.
    private func withSaid(_ body: (TestRegistry) async throws -> Void) async throws {
        try await withFolder { folder in
            var tarballs: [String: [UInt8]] = [:]
            for version in ["1.0.0", "1.2.0"] {
                try Self.write(
                    [
                        "package.json": #"{"name": "said", "version": "\#(version)"}"#,
                        "index.js": "module.exports = 'said \(version)';\n",
                    ],
                    to: folder.appending(path: "package"))
                let archive = folder.appending(path: "said-\(version).tgz")
                try await Services.run("tar", ["-czf", archive.path, "-C", folder.path, "package"])
                tarballs[version] = Array(try Data(contentsOf: archive))
            }
            let archives = tarballs
            try await TestRegistry.run { registry in
                let versions = archives.map { version, tarball in
                    let path = "/said/-/said-\(version).tgz"
                    registry.put(.init(tarball, type: "application/octet-stream"), at: path)
                    return """
                        "\(version)": {"name": "said", "version": "\(version)",
                        "dist": {"tarball": "\(registry.url)\(path)"}}
                        """
                }
                let packument = """
                    {"name": "said", "dist-tags": {"latest": "1.2.0"}, "versions": {\(versions.joined(separator: ","))}}
                    """
                registry.put(.init(Array(packument.utf8), type: "application/json"), at: "/said")
                try await body(registry)
            }
        }
    }

    func goModules() async throws {
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
            try await server.run(["GOPROXY": "file://\(folder.path)", "GOSUMDB": "off"]) { client in
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
                let untidy = try await client.install(files, runtime: "go")
                #expect(untidy.deployment.detail?.contains("run 'go mod tidy'") == true, "\(untidy.deployment)")
                files["go.sum"] = try await Self.tidied(files, in: folder.appending(path: "project"), folder)
                let deployed = try await client.install(files, runtime: "go")
                #expect(deployed.status == 200, "\(deployed.deployment)")
                #expect(try await client.call("GET", client.path("packages")).text == "said")
                files["go.mod"] = "module mine\n\ngo 1.23\n\nrequire said.example/words v1.9.0\n"
                let refused = try await client.install(files, runtime: "go")
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
}
