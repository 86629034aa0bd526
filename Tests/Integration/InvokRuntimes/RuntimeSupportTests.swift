import Invok
import InvokTemplates
import Testing

@testable import InvokRuntimes

@Suite struct RuntimeSupportTests {
    @Test(arguments: Runtime.allCases)
    func templatesAreProjectsThatBuild(_ runtime: Runtime) throws {
        let support = RuntimeSupport.of(runtime)
        let template = FunctionTemplate(name: try FunctionName("hello-world"), runtime: runtime).sources
        #expect(template.keys.contains(runtime.sourceFileNames[0]))
        #expect(template["config.json"] == nil)
        #expect(template.values.allSatisfy { $0.hasSuffix("\n") })
        let plan = try support.buildPlan(for: archive(runtime, files: template))
        #expect(!plan.command.isEmpty)
        #expect(support.recipeVersion >= 1)
    }

    @Test(arguments: Runtime.allCases)
    func plansKeepTheUsersFilesAndAreRepeatable(_ runtime: Runtime) throws {
        let support = RuntimeSupport.of(runtime)
        let files = FunctionTemplate(name: try FunctionName("hello-world"), runtime: runtime).sources.merging([
            "data/a.txt": "a"
        ]) { $1 }
        let plan = try support.buildPlan(for: archive(runtime, files: files))
        let prefix = runtime == .go ? "src/" : ""
        for (path, text) in files {
            #expect(try plan.files[prefix + path]?.beginning(.max) == Array(text.utf8))
        }
        let again = try support.buildPlan(for: archive(runtime, files: files))
        #expect(plan.command == again.command && plan.environment == again.environment && plan.output == again.output)
        #expect(
            try plan.files.mapValues { try $0.beginning(.max) } == again.files.mapValues { try $0.beginning(.max) })
    }

    @Test(arguments: Runtime.allCases, [".invok/shim.py", ".INVOK/x", ".invok"])
    func theShimsFolderIsInvoksOwn(_ runtime: Runtime, path: String) throws {
        let support = RuntimeSupport.of(runtime)
        let files = FunctionTemplate(name: try FunctionName("hello-world"), runtime: runtime).sources.merging([
            path: "x"
        ]) { $1 }
        let source = try archive(runtime, files: files)
        #expect(throws: BuildError.self) { try support.buildPlan(for: source) }
    }
}
