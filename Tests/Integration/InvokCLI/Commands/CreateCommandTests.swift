import InvokModel
import Testing

@testable import InvokCLI

@Suite struct CreateCommandTests {
    @Test(arguments: [("go", "function.go"), ("python", "function.py"), ("nodejs", "function.js")])
    func writesAProjectThatCanBePacked(_ runtime: String, _ source: String) async throws {
        let sandbox = try Sandbox()
        let outcome = try await sandbox.run("create", "-n", "hello-world", "-r", runtime)
        #expect(outcome.output.contains("hello-world/\(source)\n"))
        let archive = try ProjectArchive(folder: sandbox.directory + "/hello-world", limits: .init())
        #expect(archive.config.name.description == "hello-world")
        #expect(archive.config.runtime.rawValue == runtime)
    }

    @Test func keepsTheListBesideAndOverwritesNothing() async throws {
        let sandbox = try Sandbox()
        for name in ["b", "a"] { #expect(try await sandbox.run("create", "-n", name).status == .success) }
        #expect(try FunctionList.read(sandbox.directory) == FunctionList(names: ["b", "a"], runtime: "go"))
        try sandbox.write("a/function.go", "mine")
        #expect(try await sandbox.run("create", "-n", "a").status == .failure)
        #expect(try sandbox.read("a/function.go") == Array("mine".utf8))
    }

    @Test(arguments: ["not json", #"{"function_name":"x","runtime":"go"}"#, #"{"port":1}"#])
    func leavesAnotherConfigAlone(_ text: String) async throws {
        let sandbox = try Sandbox()
        try sandbox.write("config.json", text)
        let outcome = try await sandbox.run("create", "-n", "a")
        #expect(outcome.status == .success)
        #expect(outcome.errors.contains("stays as it is"))
        #expect(try sandbox.read("config.json") == Array(text.utf8))
    }

    @Test func refusesWrongNamesAndRuntimes() async throws {
        let sandbox = try Sandbox()
        for name in ["Hello", "a--b", "../x", "", "1a"] {
            #expect(try await sandbox.run("create", "-n", name).status == .usage)
        }
        let outcome = try await sandbox.run("create", "-n", "a", "-r", "pyhton")
        #expect(outcome.errors.contains("did you mean '-r python'?"))
        #expect(outcome.status == .usage)
        #expect(try Files.names(in: sandbox.directory).filter { !$0.hasPrefix(".") }.isEmpty)
    }
}
