import Foundation
import Invok
import InvokTemplates
import Testing

@testable import InvokRuntimes

@Suite(.serialized, .timeLimit(.minutes(10)))
struct GoRecipeTests {
    private let handler = """
        package main

        import "net/http"

        func HelloWorldHandler(w http.ResponseWriter, r *http.Request) { w.Write([]byte(text())) }

        """

    @Test(arguments: [("hello-world", "HelloWorldHandler"), ("a", "AHandler"), ("go2-x-9b", "Go2X9bHandler")])
    func namesTheHandlerAfterTheFunction(name: String, handler: String) throws {
        #expect(try FunctionName(name).goHandler == handler)
    }

    @Test(arguments: ["module hello-world\n\ngo 1.23\n", "module hello-world\n", nil])
    func buildsSeveralFilesSubPackagesAndEmbeddedFiles(module: String?) throws {
        let files = [
            "function.go": handler,
            "text.go": """
            package main

            import (
            	_ "embed"
            	"hello-world/inner/deep"
            )

            //go:embed pages/page.html
            var page string

            // These names are those that a generated file could want for itself.
            var http_, server, invokshim = 1, 2, 3

            func Serve() string { return deep.Name }
            func text() string { return page + Serve() }

            """,
            "inner/deep/deep.go": "package deep\n\nconst Name = \"deep\"\n",
            "pages/page.html": "<p>page</p>", "function/notes.txt": "a folder named as the binary is",
            "tool.go": "//go:build ignore\n\npackage main\n\nfunc main() {}\n", "go.mod": module,
        ]
        let instance = try TestBundle(.go, files: files.compactMapValues { $0 }).start()
        #expect(try instance.request("GET", "/hello-world").text == "<p>page</p>deep")
    }

    @Test(arguments: [true, false])
    func buildsVendoredModules(hasModuleFile: Bool) throws {
        var files = [
            "function.go": handler,
            "text.go": "package main\n\nimport \"example.com/said\"\n\nfunc text() string { return said.Text }\n",
            "vendor/modules.txt": "# example.com/said v1.2.3\n## explicit; go 1.20\nexample.com/said\n",
            "vendor/example.com/said/said.go": "package said\n\nconst Text = \"vendored\"\n",
        ]
        if hasModuleFile { files["go.mod"] = "module m\n\ngo 1.23\n\nrequire example.com/said v1.2.3\n" }
        let instance = try TestBundle(.go, files: files).start()
        #expect(try instance.request("GET", "/hello-world").text == "vendored")
    }

    @Test func buildsItsTemplateAlsoForNamesOfGoPackages() throws {
        for name in ["time", "log-2"] {
            let template = FunctionTemplate(name: try FunctionName(name), runtime: .go).sources
            let instance = try TestBundle(.go, name: name, files: template).start()
            #expect(try instance.request("GET", "/\(name)").text == "Hello from \(name)!\n")
        }
    }

    @Test func saysWhatItNeedsWhenTheHandlerIsMissing() throws {
        let failed = try failure(of: .go, files: ["function.go": "package main\n"])
        #expect(failed.reason.contains("func HelloWorldHandler(w http.ResponseWriter, r *http.Request)"))
    }

    @Test func saysWhatTheHandlerMustTake() throws {
        let failed = try failure(of: .go, files: ["function.go": "package main\n\nfunc HelloWorldHandler() {}\n"])
        #expect(failed.reason.contains("must be func HelloWorldHandler(w http.ResponseWriter, r *http.Request)"))
    }

    @Test func returnsTheCompilersWordsWithFileAndLine() throws {
        let failed = try failure(of: .go, files: ["function.go": handler])
        #expect(failed.log.contains("function.go:5:"))
        #expect(failed.log.contains("undefined: text"))
        #expect(failed.reason == "the function does not compile")
    }

    /// What starts it on its author's machine.
    @Test func aMainIsSetAside() throws {
        let text = "func text() string { return \"text\" }\n\n// func main\nfunc main() { panic(\"main()\") }\n"
        let instance = try TestBundle(.go, files: ["function.go": handler + text]).start()
        #expect(try instance.request("GET", "/hello-world").text == "text")
    }

    @Test(arguments: ["", "require example.com/x v1.0.0\n"])
    func asksToVendorWhatCannotBeFetched(require: String) throws {
        let failed = try failure(
            of: .go,
            files: [
                "function.go": handler, "go.mod": "module m\n\ngo 1.23\n\n" + require,
                "text.go": "package main\n\nimport \"example.com/x\"\n\nfunc text() string { return x.Y }\n",
            ])
        #expect(failed.reason.contains("go mod vendor"))
        #expect(failed.log.contains("example.com/x"))
    }

    @Test func explainsATooNewGo() throws {
        let failed = try failure(of: .go, files: ["function.go": handler, "go.mod": "module m\n\ngo 1.99\n"])
        #expect(failed.reason.contains("newer Go"))
    }

    @Test func explainsOtherFailures() throws {
        let mixed = try failure(of: .go, files: ["function.go": handler, "b.go": "package other\n"])
        #expect(mixed.reason.contains("one package"))
        let hiding = try failure(of: .go, files: ["function.go": handler, "go.mod": "module time\n\ngo 1.23\n"])
        #expect(hiding.reason.contains("named like a package of Go"))
        let nameless = try failure(of: .go, files: ["function.go": handler, "go.mod": "go 1.23\n"])
        #expect(nameless.reason.contains("module line"))
    }
}
