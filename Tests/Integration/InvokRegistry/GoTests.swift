import Foundation
import InvokPOSIX
import TestSupport
import Testing

@testable import InvokRegistry

/// Go of the toolchain against modules in a folder, through the mirror.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct GoTests {
    private let root: TemporaryFolder

    init() throws {
        root = try TemporaryFolder()
        let folder = root.path + "/modules/a.example/!hello/@v"
        try Files.makeDirectories(folder, mode: 0o755)
        func write(_ text: String, _ name: String) throws {
            try Files.write(Array(text.utf8), to: "\(folder)/\(name)", mode: 0o644)
        }
        try write("v1.0.0\n", "list")
        try write("{\"Version\":\"v1.0.0\",\"Time\":\"2026-01-01T00:00:00Z\"}", "v1.0.0.info")
        try write("module a.example/Hello\n\ngo 1.21\n", "v1.0.0.mod")
        try write("package hello\n\nconst Word = \"hello\"\n", "hello.go")
        let script = """
            import sys, zipfile
            with zipfile.ZipFile('v1.0.0.zip', 'w') as z:
                z.write('v1.0.0.mod', 'a.example/Hello@v1.0.0/go.mod')
                z.write('hello.go', 'a.example/Hello@v1.0.0/hello.go')
            """
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.currentDirectoryURL = URL(filePath: folder)
        process.arguments = ["python3", "-c", script]
        try process.run()
        process.waitUntilExit()
    }

    private func settings(_ more: [String: String] = [:]) -> RegistrySettings {
        RegistrySettings(["GOPROXY": "file://\(root.path)/modules", "GOSUMDB": "off"].merging(more) { $1 })
    }

    private func go(_ build: MirroredBuild, _ arguments: String...) async throws -> (status: Int32, output: String) {
        try await build.run(
            "go", [try Tool.path("go")] + arguments, in: build.folder + "/project",
            ["GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod -modcacherw", "GOPATH": build.folder + "/go"])
    }

    private func project(_ build: MirroredBuild, requiring version: String) throws {
        try build.write("module project\n\ngo 1.21\n\nrequire a.example/Hello \(version)\n", to: "project/go.mod")
        try build.write(
            "package main\n\nimport \"a.example/Hello\"\n\nfunc main() { println(hello.Word) }\n", to: "project/main.go"
        )
    }

    @Test func modulesAreGotAndThenComeFromTheCache() async throws {
        try await MirroredBuild.run(settings(), in: root) { build in
            try project(build, requiring: "v1.0.0")
            let result = try await go(build, "mod", "download", "-x")
            #expect(result.status == 0, "\(result.output)")
            #expect(Files.exists(build.folder + "/go/pkg/mod/a.example/!hello@v1.0.0/hello.go"))
            let versions = try await go(build, "list", "-m", "-versions", "a.example/Hello")
            #expect(versions.status == 0 && versions.output.contains("a.example/Hello v1.0.0"), "\(versions.output)")
        }
        try Files.removeTree(root.path + "/modules")
        try await MirroredBuild.run(settings(), in: root) { build in
            try project(build, requiring: "v1.0.0")
            let result = try await go(build, "mod", "download")
            #expect(result.status == 0, "\(result.output)")
        }
    }

    @Test func whatThereIsNotIsSaidByGo() async throws {
        try await MirroredBuild.run(settings(), in: root) { build in
            try project(build, requiring: "v1.0.1")
            let result = try await go(build, "mod", "download")
            #expect(
                result.status != 0 && result.output.contains("404") && result.output.contains("v1.0.1"),
                "\(result.output)")
        }
        try await MirroredBuild.run(settings(["GOPROXY": "off"]), in: root) { build in
            try project(build, requiring: "v1.0.0")
            // What an earlier build got is of no use to one that may have none.
            let result = try await go(build, "mod", "download")
            #expect(result.status != 0 && result.output.contains("GOPROXY names no proxy"), "\(result.output)")
        }
    }
}
