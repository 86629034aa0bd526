import Foundation
import Invok
import InvokPOSIX
import TestSupport
import Testing

@testable import InvokRegistry

/// npm of the toolchain against a registry on loopback, through the mirror.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct NpmTests {
    private let root: TemporaryFolder

    init() throws { root = try TemporaryFolder() }

    /// Puts a package into the registry.
    /// - Returns: its integrity.
    private func publish(
        _ name: String, _ registry: TestRegistry, authorization: String? = nil, integrity given: String? = nil
    ) async throws -> String {
        let base = name.split(separator: "/").last.map(String.init) ?? name
        let folder = "\(root.path)/\(base)-source"
        try Files.makeDirectories(folder + "/package", mode: 0o755)
        let json = "{\"name\":\"\(name)\",\"version\":\"1.0.0\",\"main\":\"index.js\"}"
        try Files.write(Array(json.utf8), to: folder + "/package/package.json", mode: 0o644)
        try Files.write(Array("module.exports = '\(name)'\n".utf8), to: folder + "/package/index.js", mode: 0o644)
        let process = Process()
        process.executableURL = URL(filePath: "/bin/tar")
        process.arguments = ["-czf", folder + "/package.tgz", "-C", folder, "package"]
        let ended = ProcessEnd(of: process)
        try process.run()
        await ended.wait()
        let tarball = try Files.contents(of: folder + "/package.tgz")
        let digest = Digest(of: tarball).description
        let bytes = stride(from: 0, to: 64, by: 2).map { index -> UInt8 in
            let start = digest.index(digest.startIndex, offsetBy: index)
            return UInt8(digest[start...].prefix(2), radix: 16) ?? 0
        }
        let integrity = given ?? "sha256-" + Data(bytes).base64EncodedString()
        let path = "/repo/\(name)/-/\(base)-1.0.0.tgz"
        let packument = """
            {"name":"\(name)","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"\(name)","version":"1.0.0",
            "dist":{"tarball":"\(registry.url)\(path)","integrity":"\(integrity)"}}}}
            """
        var page = TestRegistry.Page(Array(packument.utf8), type: "application/json", tag: "\"1\"")
        var file = TestRegistry.Page(tarball, type: "application/octet-stream")
        (page.authorization, file.authorization) = (authorization, authorization)
        registry.put(page, at: "/repo/" + name.replacing("/", with: "%2f"))
        registry.put(file, at: path)
        return integrity
    }

    private func npm(_ build: MirroredBuild, _ arguments: String...) async throws -> (status: Int32, output: String) {
        let npm = try Tool.npm()
        return try await build.run("node", npm + arguments, in: build.folder + "/project")
    }

    private func project(_ build: MirroredBuild, _ dependencies: String...) throws {
        let list = dependencies.map { "\"\($0)\":\"^1.0.0\"" }.joined(separator: ",")
        try build.write(
            "{\"name\":\"project\",\"version\":\"1.0.0\",\"dependencies\":{\(list)}}", to: "project/package.json")
    }

    private func isInstalled(_ name: String, _ build: MirroredBuild) -> Bool {
        Files.text("\(build.folder)/project/node_modules/\(name)/index.js") == "module.exports = '\(name)'\n"
    }

    private func settings(_ registry: TestRegistry, files: [String: String] = [:]) -> RegistrySettings {
        RegistrySettings(["npm_config_registry": registry.url + "/repo/"], files: files)
    }

    @Test func packagesAreInstalledAndThenComeFromTheCache() async throws {
        try await TestRegistry.run { registry in
            _ = try await publish("left-pad", registry)
            _ = try await publish("@scope/name", registry)
            for round in 1...2 {
                try await MirroredBuild.run(settings(registry), in: root) { build in
                    try project(build, "left-pad", "@scope/name")
                    let result = try await npm(build, "install")
                    #expect(result.status == 0, "\(round): \(result.output)")
                    #expect(isInstalled("left-pad", build) && isInstalled("@scope/name", build))
                }
            }
            #expect(registry.requests.filter { $0.target.hasSuffix(".tgz") }.count == 2)
        }
    }

    @Test func aLockFileOfTheWorldsRegistryIsInstalledFromTheOperators() async throws {
        try await TestRegistry.run { registry in
            let (one, two) = (try await publish("left-pad", registry), try await publish("@scope/name", registry))
            try await MirroredBuild.run(settings(registry), in: root) { build in
                try project(build, "left-pad", "@scope/name")
                let lock = """
                    {"name":"project","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{
                    "":{"name":"project","version":"1.0.0","dependencies":{"left-pad":"^1.0.0","@scope/name":"^1.0.0"}},
                    "node_modules/left-pad":{"version":"1.0.0","integrity":"\(one)",
                    "resolved":"https://registry.npmjs.org/left-pad/-/left-pad-1.0.0.tgz"},
                    "node_modules/@scope/name":{"version":"1.0.0","integrity":"\(two)",
                    "resolved":"https://npm.other.example/artifactory/npm/@scope/name/-/name-1.0.0.tgz"}}}
                    """
                try build.write(lock, to: "project/package-lock.json")
                let result = try await npm(build, "ci")
                #expect(result.status == 0, "\(result.output)")
                #expect(isInstalled("left-pad", build) && isInstalled("@scope/name", build))
            }
            #expect(registry.requests.allSatisfy { $0.target.hasSuffix(".tgz") })
        }
    }

    @Test func whatIsNotWhatTheIndexSaysIsNotInstalled() async throws {
        try await TestRegistry.run { registry in
            _ = try await publish("left-pad", registry, integrity: "sha256-" + Data(count: 32).base64EncodedString())
            try await MirroredBuild.run(settings(registry), in: root) { build in
                try project(build, "left-pad")
                let result = try await npm(build, "install")
                #expect(result.status != 0 && result.output.contains("is not what its index says"), "\(result.output)")
                #expect(!isInstalled("left-pad", build))
                let lock = """
                    {"name":"project","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{
                    "":{"name":"project","version":"1.0.0","dependencies":{"left-pad":"^1.0.0"}},
                    "node_modules/left-pad":{"version":"1.0.0","integrity":"sha256-\(Data(count: 32).base64EncodedString())",
                    "resolved":"https://registry.npmjs.org/left-pad/-/left-pad-1.0.0.tgz"}}}
                    """
                try build.write(lock, to: "project/package-lock.json")
                let locked = try await npm(build, "ci")
                #expect(locked.status != 0 && locked.output.contains("EINTEGRITY"), "\(locked.output)")
            }
        }
    }

    @Test func whatThereIsNotIsSaidByNpm() async throws {
        try await TestRegistry.run { registry in
            try await MirroredBuild.run(settings(registry), in: root) { build in
                try project(build, "nothing")
                let result = try await npm(build, "install")
                #expect(result.status != 0 && result.output.contains("E404"), "\(result.output)")
            }
        }
        try await MirroredBuild.run(RegistrySettings(["npm_config_registry": "http://127.0.0.1:1/"]), in: root) {
            build in
            try project(build, "nothing")
            let result = try await npm(build, "install")
            #expect(
                result.status != 0 && result.output.contains("the server does not reach 127.0.0.1:1"),
                "\(result.output)")
        }
    }

    /// The core shows the token, and nothing in the build has it.
    @Test func credentialsStayInTheCore() async throws {
        try await TestRegistry.run { registry in
            _ = try await publish("left-pad", registry, authorization: "Bearer t0ken-of-the-operator")
            let host = "127.0.0.1:\(registry.port)"
            let files = ["/home/op/.npmrc": "//\(host)/repo/:_authToken=t0ken-of-the-operator"]
            try await MirroredBuild.run(settings(registry, files: files), in: root) { build in
                try project(build, "left-pad")
                let result = try await npm(build, "install", "--loglevel", "silly")
                #expect(result.status == 0 && isInstalled("left-pad", build), "\(result.output)")
                let seen = try await build.run("node", ["sh", "-c", "env; grep -r t0ken . || true"])
                #expect(!seen.output.contains("t0ken") && !result.output.contains("t0ken"))
            }
            try await MirroredBuild.run(settings(registry), in: try TemporaryFolder()) { build in
                try project(build, "left-pad")
                let result = try await npm(build, "install")
                #expect(result.status != 0 && result.output.contains("see its credentials"), "\(result.output)")
            }
        }
    }
}
