import Testing

@testable import InvokRuntimes

@Suite struct GoDeclarationsTests {
    private static let source = """
        // func Commented(w http.ResponseWriter) {}
        /* package wrong
           func AlsoCommented() {} */
        package web // why

        import ("net/http"; f "fmt")

        const Constant = "func InString() {"
        const raw = `
        func InRawString() {}
        `
        const quote = '"' // a rune
        var One, Two = 1, func() int { var inner = 2; return inner }()
        var Typed http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
        	func() { f.Println("}") }()
        })
        var (
        	Grouped = map[string]int{
        		"a": 1,
        	}
        	Second, Third int // and another
        )

        type Handler struct{ name string }

        func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {}
        func (Other) ServeHTTP(w http.ResponseWriter, r *http.Request) {}
        func (Third) Handle(w http.ResponseWriter, r *http.Request) {}
        func Handle(
        	w http.ResponseWriter,
        	r *http.Request,
        ) {
        	var local = 1
        }
        func Made() http.Handler { return nil }
        func Generic[T any](value T) {}
        func main() {}

        """

    @Test func findsWhatTheTopLevelDeclares() throws {
        let found = GoDeclarations(Array(Self.source.utf8))
        #expect(found.package == "web" && !found.isIgnored)
        #expect(found.variables == ["One", "Two", "Typed", "Grouped", "Second", "Third"])
        #expect(Set(found.functions.keys) == ["Handle", "Made", "Generic", "main"])
        #expect(found.functions["Handle"]?.parameters.contains("*http.Request") == true)
        #expect(found.functions["Made"]?.parameters == "" && found.functions["Made"]?.results == " http.Handler")
        #expect(found.functions["Generic"]?.isGeneric == true && found.functions["Handle"]?.isGeneric == false)
        #expect(found.servingTypes == ["Handler", "Other"])
        let main = try #require(found.main)
        #expect(Array(Self.source.utf8)[main].elementsEqual("main".utf8))
    }

    @Test(arguments: [
        "", "package", "package main", "func", "func (", "func (a", "var", "var (", "var x", "var (x", "/*", "`", "\"",
        "'",
        "'\\", "\"\\", "func F(", "func F[", "package main\nfunc F(\n", "}}}} func F() {}", "\u{FEFF}package main\n",
        "package main\r\nfunc F(w http.ResponseWriter) {\r\n}\r\n",
    ])
    func whatDoesNotCompileIsReadToItsEnd(source: String) {
        let found = GoDeclarations(Array(source.utf8))
        #expect(found.main == nil)
        if source.contains("package main") { #expect(found.package == "main") }
    }

    @Test(arguments: [("//go:build ignore\n\npackage main\n", true), ("//go:build linux\n\npackage main\n", false)])
    func whatNoBuildHasIsTold(source: String, isIgnored: Bool) {
        #expect(GoDeclarations(Array(source.utf8)).isIgnored == isIgnored)
    }
}
