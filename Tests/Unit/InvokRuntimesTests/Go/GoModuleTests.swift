import Invok
import Testing

@testable import InvokRuntimes

@Suite struct GoModuleTests {
    @Test(arguments: [
        ("module a/b\n\ngo 1.23\n", "a/b"), ("// said\nmodule \"x\" // why\n", "x"), ("go 1.23\nmodule\ty\r\n", "y"),
        ("go 1.23\n", nil), ("", nil), ("// module x\n", nil), ("module\n", nil),
    ])
    func readsTheModuleLine(text: String, path: String?) {
        #expect(GoModule.path(in: Array(text.utf8)) == path)
    }

    @Test func requiresWhatIsVendored() {
        let listed = """
            # example.com/a v1.2.0
            ## explicit; go 1.20
            example.com/a
            # example.com/b v1.0.0 => ./b
            ## explicit
            # example.com/indirect v0.1.0
            example.com/indirect

            """
        #expect(
            GoModule.text(path: "m", vendored: Array(listed.utf8)) == """
                module m

                go 1.23

                require example.com/a v1.2.0

                require example.com/b v1.0.0
                replace example.com/b v1.0.0 => ./b

                """)
    }

    @Test func infersThePathFromImportsOfOwnPackages() throws {
        func inferred(_ imports: String) throws -> String? {
            let files = [
                "function.go": "package main\n\(imports)\nfunc x() {}\n", "json/a.go": "package json", "a/b/c.go": "",
            ]
            return try GoModule.inferredPath(from: files.mapValues { Array($0.utf8) as any ByteStream })
        }
        #expect(try inferred(#"import "hello/a/b""#) == "hello")
        #expect(try inferred("import (\n\t\"fmt\"\n\tj \"hello.example/x/json\" // own\n)") == "hello.example/x")
        #expect(try inferred(#"import "encoding/json""#) == nil)
        #expect(try inferred("") == nil)
    }
}
