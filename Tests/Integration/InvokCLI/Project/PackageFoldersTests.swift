import Foundation
import InvokModel
import Testing

@testable import InvokCLI

/// What Node finds from what is packed is what it finds in the project: with the layouts that package managers make.
@Suite struct PackageFoldersTests {
    private func project(_ files: [String], links: [(String, String)]) throws -> Sandbox {
        let sandbox = try Sandbox()
        for path in files { try sandbox.write(path, path) }
        for (path, target) in links {
            let folder = sandbox.directory + "/" + path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            #expect(symlink(target, sandbox.directory + "/" + path) == 0)
        }
        return sandbox
    }

    private func packed(_ sandbox: Sandbox) throws -> [String: String] {
        let walk = try ProjectWalk(sandbox.directory, limits: ArchiveLimits(), secretFiles: SecretFiles())
        let root = try #require(try Files.realPath(sandbox.directory))
        return Dictionary(
            uniqueKeysWithValues: walk.files.map { ($0.path, String($0.source.dropFirst(root.count + 1))) })
    }

    /// Two versions of `c`, a circle of `a` and `b`, a scope, and a package that is used without being asked for.
    @Test func pnpm() throws {
        let store = "node_modules/.pnpm"
        let sandbox = try project(
            [
                "function.js", "\(store)/a@1/node_modules/a/i.js", "\(store)/b@1/node_modules/b/i.js",
                "\(store)/c@1/node_modules/c/i.js", "\(store)/c@2/node_modules/c/i.js",
                "\(store)/@s+d@1/node_modules/@s/d/i.js", "node_modules/.modules.yaml", "\(store)/lock.yaml",
            ],
            links: [
                ("node_modules/a", ".pnpm/a@1/node_modules/a"), ("node_modules/c", ".pnpm/c@2/node_modules/c"),
                ("\(store)/a@1/node_modules/b", "../../b@1/node_modules/b"),
                ("\(store)/b@1/node_modules/a", "../../a@1/node_modules/a"),
                ("\(store)/b@1/node_modules/c", "../../c@1/node_modules/c"),
                ("\(store)/b@1/node_modules/@s/d", "../../../@s+d@1/node_modules/@s/d"),
                ("\(store)/node_modules/b", "../b@1/node_modules/b"),
                ("\(store)/node_modules/@s/d", "../../@s+d@1/node_modules/@s/d"),
                ("node_modules/.bin/a", "../a/i.js"),
            ])
        #expect(
            try packed(sandbox) == [
                "function.js": "function.js", "node_modules/a/i.js": "\(store)/a@1/node_modules/a/i.js",
                "node_modules/b/i.js": "\(store)/b@1/node_modules/b/i.js",
                "node_modules/c/i.js": "\(store)/c@2/node_modules/c/i.js",
                "node_modules/b/node_modules/c/i.js": "\(store)/c@1/node_modules/c/i.js",
                "node_modules/@s/d/i.js": "\(store)/@s+d@1/node_modules/@s/d/i.js",
            ])
    }

    /// Without hoisting, all that a package needs stands in its own folder.
    @Test func pnpmThatHoistsNothing() throws {
        let store = "node_modules/.pnpm"
        let sandbox = try project(
            ["\(store)/a@1/node_modules/a/i.js", "\(store)/b@1/node_modules/b/i.js"],
            links: [
                ("node_modules/a", ".pnpm/a@1/node_modules/a"),
                ("\(store)/a@1/node_modules/b", "../../b@1/node_modules/b"),
                ("\(store)/b@1/node_modules/a", "../../a@1/node_modules/a"),
            ])
        #expect(
            try packed(sandbox) == [
                "node_modules/a/i.js": "\(store)/a@1/node_modules/a/i.js",
                "node_modules/a/node_modules/b/i.js": "\(store)/b@1/node_modules/b/i.js",
            ])
    }

    @Test func workspaces() throws {
        let sandbox = try project(
            [
                "package.json", "packages/lib/i.js", "packages/lib/node_modules/dep/i.js", "packages/@s/util/i.js",
                "node_modules/other/i.js",
            ], links: [("node_modules/lib", "../packages/lib"), ("node_modules/@s/util", "../../packages/@s/util")])
        #expect(
            try packed(sandbox).keys.sorted() == [
                "node_modules/@s/util/i.js", "node_modules/lib/i.js", "node_modules/lib/node_modules/dep/i.js",
                "node_modules/other/i.js", "package.json", "packages/@s/util/i.js", "packages/lib/i.js",
                "packages/lib/node_modules/dep/i.js",
            ])
    }

    /// Packages of a workspace that need each other, and a project that needs itself.
    @Test func packagesThatNeedEachOther() throws {
        let sandbox = try project(
            ["index.js", "packages/a/i.js", "packages/b/i.js"],
            links: [
                ("packages/a/node_modules/b", "../../b"), ("packages/b/node_modules/a", "../../a"),
                ("node_modules/self", ".."),
            ])
        let paths = try packed(sandbox).keys
        #expect(paths.contains("packages/a/node_modules/b/i.js") && paths.contains("packages/b/node_modules/a/i.js"))
        #expect(paths.contains("packages/a/node_modules/b/node_modules/a/i.js"))
        #expect(
            paths.contains("node_modules/self/index.js")
                && !paths.contains("node_modules/self/node_modules/self/index.js"))
    }

    @Test func yarnThatLinks() throws {
        let store = "node_modules/.store"
        let sandbox = try project(
            ["\(store)/a-1/package/i.js", "\(store)/b-1/package/i.js"],
            links: [
                ("node_modules/a", ".store/a-1/package"), ("\(store)/a-1/node_modules/b", "../../b-1/package"),
            ])
        #expect(
            try packed(sandbox) == [
                "node_modules/a/i.js": "\(store)/a-1/package/i.js",
                "node_modules/a/node_modules/b/i.js": "\(store)/b-1/package/i.js",
            ])
    }
}
