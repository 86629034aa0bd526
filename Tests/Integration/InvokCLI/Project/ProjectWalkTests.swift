import Foundation
import InvokModel
import Testing

@testable import InvokCLI

@Suite struct ProjectWalkTests {
    private func walk(
        _ sandbox: Sandbox, including included: [String] = [], atMost entries: Int = 10_000
    ) throws -> ProjectWalk {
        try ProjectWalk(
            sandbox.directory + "/project", limits: ArchiveLimits(entries: entries),
            secretFiles: SecretFiles(including: included))
    }

    private func project(_ files: [String], links: [String: String] = [:]) throws -> Sandbox {
        let sandbox = try Sandbox()
        for path in files { try sandbox.write("project/\(path)", path) }
        for (path, target) in links {
            let place = sandbox.directory + "/project/" + path
            try FileManager.default.createDirectory(
                atPath: String(place[..<(place.lastIndex(of: "/") ?? place.endIndex)]),
                withIntermediateDirectories: true)
            #expect(symlink(target, place) == 0)
        }
        return sandbox
    }

    private func paths(_ sandbox: Sandbox) throws -> [String] { try walk(sandbox).files.map(\.path) }

    private func failure(_ sandbox: Sandbox, atMost entries: Int = 10_000) -> Failure? {
        #expect(throws: Failure.self) { try walk(sandbox, atMost: entries) }
    }

    @Test func followsLinksThatStayInside() throws {
        let sandbox = try project(
            ["a/x.txt", "a/sub/y.txt"], links: ["b": "a", "c.txt": "a/x.txt", "d": "./b/sub", "a/e": "../c.txt"])
        let absolute = sandbox.directory + "/project/f.txt"
        #expect(symlink(sandbox.directory + "/project/a/x.txt", absolute) == 0)
        let files = try walk(sandbox).files
        #expect(
            files.map(\.path) == [
                "a/e", "a/sub/y.txt", "a/x.txt", "b/e", "b/sub/y.txt", "b/x.txt", "c.txt", "d/y.txt", "f.txt",
            ])
        #expect(try Files.readRegular(files[0].source) == Array("a/x.txt".utf8))
        #expect(files[0].isLinked && !files[1].isLinked)
    }

    @Test func namesLinksThatCannotBeFollowed() throws {
        let sandbox = try project(
            ["a/x"], links: ["out": "/etc/hosts", "up": "..", "gone": "nothing", "self": "self", "a/round": "../a"])
        let message = failure(sandbox)?.message ?? ""
        #expect(message.contains("'out' is a link to '/etc/hosts', which is outside of the project"))
        #expect(message.contains("'up' is a link to '..', which is outside"))
        #expect(message.contains("'gone' is a link to 'nothing', where nothing is"))
        #expect(message.contains("'self' is a link to 'self', where nothing is"))
        #expect(message.contains("'a/round' is a link to '../a', which leads back to a folder that it lies in"))
        #expect(failure(sandbox)?.nextStep?.contains(".invokignore") == true)
        // What is named there is no matter, a link to a folder as one.
        try sandbox.write("project/.invokignore", "out\nup/\ngone\nself\nround\n")
        #expect(try paths(sandbox) == ["a/x"])
    }

    @Test func saysHowToInstallACopyOfAPackageOutside() throws {
        let sandbox = try project(["x"], links: ["node_modules/lib": "../../lib"])
        try sandbox.write("lib/index.js", "")
        #expect(failure(sandbox)?.message.contains("'node_modules/lib' is a link to '../../lib'") == true)
        #expect(failure(sandbox)?.nextStep?.contains("--install-links") == true)
    }

    /// Two links each in twenty folders, one behind the other: a million ways, and a project with one file.
    @Test func linksThatMultiplyAreRefusedInTime() throws {
        let steps = (0..<20).flatMap { [("f\($0)/a", "../f\($0 + 1)"), ("f\($0)/b", "../f\($0 + 1)")] }
        let sandbox = try project(["f20/x"], links: Dictionary(uniqueKeysWithValues: steps))
        #expect(failure(sandbox, atMost: 500)?.code == "payload_too_large")
    }

    @Test func leavesOutWhatWasMadeForThisMachine() throws {
        let sandbox = try project(
            [
                "function.js", "node_modules/u/i.js", "venv/bin/x", "mine/pyvenv.cfg", "mine/lib/y",
                "a/__pycache__/z.pyc",
                "node_modules/.package-lock.json",
            ], links: ["node_modules/.bin/u": "../u/i.js", ".venv/bin/python": "/usr/bin/python3", ".cache/x": "gone"])
        #expect(try paths(sandbox) == ["function.js", "node_modules/.package-lock.json", "node_modules/u/i.js"])
        let leftOut = try walk(sandbox).leftOut
        #expect(
            leftOut.map(\.path) == [".cache/", ".venv/", "a/__pycache__/", "mine/", "node_modules/.bin/", "venv/"])
        #expect(leftOut.first { $0.path == "mine/" }?.reason == .virtualEnvironment)
        // Who wants one all the same says so.
        try sandbox.write("project/.invokignore", "!mine\n!venv/\n")
        #expect(try paths(sandbox).contains("mine/lib/y") && paths(sandbox).contains("venv/bin/x"))
    }

    /// A link is judged by its own name and by what it leads to.
    @Test func noLinkBringsASecretAlong() throws {
        let sandbox = try project([".env", ".aws/credentials"], links: ["settings.txt": ".env", "cloud": ".aws"])
        #expect(try paths(sandbox) == [])
        #expect(try walk(sandbox).leftOut.map(\.path) == [".aws/", ".env", "cloud/", "settings.txt"])
        #expect(
            try walk(sandbox, including: [".env", ".aws"]).files.map(\.path)
                == [".aws/credentials", ".env", "cloud/credentials", "settings.txt"])
    }

    @Test func inItsFolderAnIgnoreFileIsAboutThatFolder() throws {
        let sandbox = try project(["a/x.log", "a/keep.log", "b/x.log"])
        try sandbox.write("project/.invokignore", "\u{FEFF}*.log\r\n")
        try sandbox.write("project/a/.invokignore", "!keep.log\n")
        #expect(try paths(sandbox) == ["a/keep.log"])
        #expect(try walk(sandbox).leftOut.contains(LeftOut(path: "a/x.log", reason: .ignored(by: ".invokignore:1"))))
    }

    @Test func aNameThatIsNotUTF8IsNamed() throws {
        let sandbox = try project(["a/x"])
        let place = Array((sandbox.directory + "/project/a/").utf8CString.dropLast()) + [CChar(bitPattern: 0xFF), 0]
        #expect(creat(place, 0o600) >= 0)
        #expect(failure(sandbox)?.message.contains("is not UTF-8") == true)
    }
}
