import Foundation
import TestSupport
import Testing

extension IntegrationTests {
    /// The shapes that a Go project may have.
    @Suite(.timeLimit(.minutes(5)))
    struct GoProjectTests {
        struct Project: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let files: [String: String]
            let answer: String
        }

        private static let plain = """
            package main

            import ("io"; "net/http")

            func ShapesHandler(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "plain") }
            """

        private static func calling(_ path: String, _ expression: String) -> String {
            """
            package main

            import ("io"; "net/http"; "\(path)")

            func ShapesHandler(w http.ResponseWriter, r *http.Request) { io.WriteString(w, \(expression)) }
            """
        }

        private static let projects = [
            Project(testDescription: "without go.mod", files: ["function.go": plain], answer: "plain"),
            Project(
                testDescription: "with go 1.23", files: ["function.go": plain, "go.mod": "module shapes\n\ngo 1.23\n"],
                answer: "plain"),
            Project(
                testDescription: "with an embedded file",
                files: [
                    "function.go": """
                    package main

                    import (
                    	_ "embed"
                    	"io"
                    	"net/http"
                    )

                    //go:embed data/words.txt
                    var words string

                    func ShapesHandler(w http.ResponseWriter, r *http.Request) { io.WriteString(w, words) }
                    """,
                    "data/words.txt": "embedded",
                ], answer: "embedded"),
            Project(
                testDescription: "with several files and sub-packages",
                files: [
                    "function.go": """
                    package main

                    import ("io"; "net/http"; "example.org/shapes/inner/deep")

                    func ShapesHandler(w http.ResponseWriter, r *http.Request) { io.WriteString(w, beside()+deep.Word) }
                    """,
                    "beside.go": "package main\n\nfunc beside() string { return \"beside \" }\n",
                    "inner/deep/deep.go": "package deep\n\nconst Word = \"deep\"\n",
                    "go.mod": "module example.org/shapes\n\ngo 1.22\n",
                ], answer: "beside deep"),
            Project(
                testDescription: "with a vendor folder",
                files: [
                    "function.go": calling("example.com/words", "words.Vendored"),
                    "go.mod": "module shapes\n\ngo 1.22\n\nrequire example.com/words v1.2.3\n",
                    "vendor/modules.txt": "# example.com/words v1.2.3\n## explicit; go 1.22\nexample.com/words\n",
                    "vendor/example.com/words/words.go": "package words\n\nconst Vendored = \"vendored\"\n",
                ], answer: "vendored"),
        ]

        @Test(arguments: projects)
        func builds(_ project: Project) async throws {
            let person = try await Person.registered()
            try person.write(project: "shapes", runtime: "go", files: project.files)
            let url = try await person.succeeds("deploy", "-n", "shapes", "--public")
            #expect(try await Call.to(url).text == project.answer)
        }

        @Test func showsTheCompilersWords() async throws {
            let person = try await Person.registered()
            try person.write(
                project: "shapes", runtime: "go",
                files: ["function.go": Self.plain + "\nfunc wrong() int { return \"text\" }\n"])
            try await person.fails("deploy", "-n", "shapes", status: 1, saying: "function.go:6")
            #expect(try await person.succeeds("versions", "-n", "shapes").contains("failed"))
        }
    }
}
