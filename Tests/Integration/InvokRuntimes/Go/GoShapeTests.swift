import Invok
import InvokRuntimes
import Testing

/// Go functions as people write them, here and for other platforms.
@Suite(.serialized, .timeLimit(.minutes(10)))
struct GoShapeTests {
    private static func serving(_ name: String, package: String = "main", more: String = "") -> String {
        """
        package \(package)

        import ("io"; "net/http")

        func \(name)(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "\(name) "+r.RequestURI) }

        \(more)
        """
    }

    private static let handler = """
        package main

        import ("io"; "net/http")

        type app struct{}

        func (app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
        	if r.URL.Path == "/go" { http.Redirect(w, r, "/there", http.StatusFound); return }
        	if r.URL.Path == "/beside" { http.Redirect(w, r, "/invok/n/other", http.StatusFound); return }
        	io.WriteString(w, r.URL.Path+"|"+r.URL.EscapedPath()+"|"+r.RequestURI+"|"+r.Header.Get("X-Forwarded-Prefix"))
        }

        """

    @Test(arguments: [
        ("Handle", "main"), ("Handler", "main"), ("ServeHTTP", "main"), ("HelloWorldHandler", "main"),
        ("Handle", "web"),
        ("HelloWorldHandler", "function"),
    ])
    func servesByEachNameInAnyPackage(name: String, package: String) throws {
        let instance = try TestBundle(.go, files: ["function.go": Self.serving(name, package: package)]).start()
        #expect(try instance.request("GET", "/hello-world/a").text == "\(name) /hello-world/a")
    }

    @Test func takesTheFirstThatCanServe() throws {
        let more = """
            func Handler(w http.ResponseWriter, r *http.Request) {}
            func HelloWorldHandler(w http.ResponseWriter, r *http.Request) {}
            """
        let all = try TestBundle(.go, files: ["function.go": Self.serving("Handle", more: more)]).start()
        #expect(try all.request("GET", "/hello-world").text == "Handle /hello-world")
        let others = "func Handle(number int) int { return number }\nvar Handler = \"a text\"\ntype ServeHTTP int\n"
        let own = try TestBundle(.go, files: ["function.go": Self.serving("HelloWorldHandler", more: others)]).start()
        #expect(try own.request("GET", "/hello-world").text == "HelloWorldHandler /hello-world")
    }

    @Test(arguments: [
        "var Handler http.Handler = app{}", "var Handler = app{}", "func Handler() http.Handler { return app{} }",
        "type Handler struct{ app }\nfunc (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.app.ServeHTTP(w, r) }",
        "var Handler = http.HandlerFunc(app{}.ServeHTTP)",
    ])
    func aHandlerIsMounted(declaration: String) throws {
        let instance = try TestBundle(.go, files: ["function.go": Self.handler + declaration + "\n"]).start()
        let outside = ["X-Forwarded-Prefix: /invok/n/hello-world"]
        func get(_ path: String) throws -> TestResponse {
            try instance.request("GET", "/hello-world" + path, headers: outside)
        }
        #expect(try get("").text == "/|/|/|/invok/n/hello-world")
        #expect(try get("/a%2Fb?c").text == "/a/b|/a%2Fb|/a%2Fb?c|/invok/n/hello-world")
        #expect(try get("/go").values("location") == ["/invok/n/hello-world/there"])
        #expect(try instance.request("GET", "/hello-world/go").values("location") == ["/there"])
        #expect(try get("/beside").values("location") == ["/invok/n/other"])
    }

    @Test func aMountOverridesWhatIsUsual() throws {
        let app = ["function.go": Self.handler + "var Handler = app{}\n"]
        let named = try TestBundle(.go, config: ["mount": "name"], files: app).start()
        #expect(try named.request("GET", "/hello-world/a").text.hasPrefix("/hello-world/a|"))
        let rooted = try TestBundle(.go, config: ["mount": "root"], files: ["function.go": Self.serving("Handle")])
            .start()
        #expect(try rooted.request("GET", "/hello-world?a").text == "Handle /?a")
    }

    @Test(arguments: [
        ("cmd/web/main.go", "cmd/web", "main"), ("cmd/web/main.go", "cmd/web/main.go:Serve", "main"),
        ("web/web.go", "web:Serve", "web"), ("web.go", "web.go:Serve", "main"),
    ])
    func anEntryNamesThePackage(path: String, entry: String, package: String) throws {
        let name = entry.contains(":") ? "Serve" : "Handle"
        let files = [
            path: Self.serving(name, package: package), "go.mod": "module example.org/m\n\ngo 1.22\n",
            "lib/lib.go": "package lib\n",
        ]
        let instance = try TestBundle(.go, config: ["entry": entry], files: files).start()
        #expect(try instance.request("GET", "/hello-world").text == "\(name) /hello-world")
    }

    @Test func aModuleMayLieInAFolder() throws {
        let files = [
            "src/app/web.go": """
            package app

            import ("net/http"; "example.org/m/inner")

            func Handle(w http.ResponseWriter, r *http.Request) { w.Write([]byte(inner.Text)) }
            """,
            "src/inner/inner.go": "package inner\n\nconst Text = \"inner\"\n",
            "src/go.mod": "module example.org/m\n\ngo 1.22\n",
        ]
        let instance = try TestBundle(.go, config: ["entry": "src/app"], files: files).start()
        #expect(try instance.request("GET", "/hello-world").text == "inner")
    }

    @Test(arguments: ["go.mod", "go.work"]) func usesLocalModules(way: String) throws {
        let replace = "\nrequire example.org/lib v0.0.0\n\nreplace example.org/lib => ./lib\n"
        var files = [
            "function.go": """
            package main

            import ("net/http"; "example.org/lib")

            func Handle(w http.ResponseWriter, r *http.Request) { w.Write([]byte(lib.Text)) }
            """,
            "go.mod": "module example.org/m\n\ngo 1.22\n" + (way == "go.mod" ? replace : ""),
            "lib/go.mod": "module example.org/lib\n\ngo 1.22\n", "lib/lib.go": "package lib\n\nconst Text = \"lib\"\n",
            "function_test.go": "package main_test\n\nimport \"testing\"\n\nfunc TestX(t *testing.T) {}\n",
            "cmd/tool/main.go": "package main\n\nfunc main() {}\n",
            "gen.go": "//go:build ignore\n\npackage main\n\nfunc main() {}\n",
        ]
        if way == "go.work" { files["go.work"] = "go 1.22\n\nuse (\n\t.\n\t./lib\n)\n" }
        let instance = try TestBundle(.go, files: files).start()
        #expect(try instance.request("GET", "/hello-world").text == "lib")
    }

    @Test func hasItsFilesBesideIt() throws {
        let files = [
            "function.go": """
            package main

            import ("net/http"; "os"; "os/exec")

            var page, _ = os.ReadFile("pages/a.html")

            func Handle(w http.ResponseWriter, r *http.Request) {
            	out, err := exec.Command("./bin/tool").Output()
            	if err != nil { http.Error(w, err.Error(), 500); return }
            	_, err = os.Stat("function.go")
            	w.Write(append(page, out...))
            	if err == nil { w.Write([]byte("with sources")) }
            }
            """,
            "pages/a.html": "<p>page</p> ", "bin/tool": "#!/bin/sh\necho tool\n", "function": "a program of before",
        ]
        let instance = try TestBundle(.go, files: files, executables: ["bin/tool"]).start()
        #expect(try instance.request("GET", "/hello-world").text.hasPrefix("<p>page</p> tool\n"))
        let plan = try RuntimeSupport.of(.go).buildPlan(for: archive(.go, files: files))
        #expect(Set(plan.beside.keys) == ["pages/a.html", "bin/tool", "function", "config.json"])
    }

    @Test func theContextEndsWhenTheCallerHasGone() throws {
        let code = """
            package main

            import ("fmt"; "net/http")

            func Handle(w http.ResponseWriter, r *http.Request) {
            	if r.URL.Path == "/hello-world/stream" { w.Write([]byte("a")); w.(http.Flusher).Flush() }
            	fmt.Println("answering", r.URL.Path)
            	<-r.Context().Done()
            	fmt.Println("gone", r.URL.Path)
            }
            """
        let instance = try TestBundle(.go, files: ["function.go": code]).start()
        for (head, path) in [("GET", "stream"), ("GET", "silent"), ("POST", "posted")] {
            let body = head == "POST" ? "Content-Length: 3\r\n\r\nabc" : "\r\n"
            let request = Array("\(head) /hello-world/\(path) HTTP/1.1\r\nHost: x\r\n\(body)".utf8)
            _ = try instance.leave(
                request, when: { try instance.waitForOutput("answering /hello-world/\(path)") })
            try instance.waitForOutput("gone /hello-world/\(path)")
        }
    }

    @Test(arguments: [
        ("func Handle(req string) string { return req }\n", "func Handle in function.go takes (req string)"),
        ("func x() {}\n", "Handle, Handler and ServeHTTP do too"),
        ("import \"github.com/aws/aws-lambda-go/lambda\"\nfunc main() { lambda.Start(x) }\n", "AWS Lambda"),
        (
            "import \"github.com/GoogleCloudPlatform/functions-framework-go/functions\"\nfunc init() { functions.HTTP(\"a\", b) }\n",
            "Google's framework"
        ),
    ])
    func whatCannotServeIsNamed(declaration: String, words: String) throws {
        let reason = try failure(of: .go, files: ["function.go": "package main\n\n" + declaration]).reason
        #expect(reason.contains(words) && reason.contains("(w http.ResponseWriter, r *http.Request)"))
    }

    @Test(arguments: [Runtime.go, .python]) func anEntryThatIsNoSourceIsNamed(_ runtime: Runtime) throws {
        let files = ["data.txt": "text", runtime.sourceFileNames[0]: ""]
        let reason = try failure(of: runtime, config: ["entry": "data.txt"], files: files).reason
        #expect(reason.hasPrefix("entry in config.json names 'data.txt', which is no "))
    }

    @Test func whatTurnsOutNotToServeSaysSo() throws {
        let code = "package main\n\nvar Handler = \"a text\"\n"
        let end = try TestBundle(.go, files: ["function.go": code]).start().end()
        #expect(end.status == 1 && end.output.contains("Handler is string"))
    }

    @Test func aByteOrderMarkIsNothing() throws {
        let files = [
            "function.go": "\u{FEFF}" + Self.serving("Handle"), "go.mod": "\u{FEFF}module m\r\n\r\ngo 1.23\r\n",
        ]
        let instance = try TestBundle(.go, files: files).start()
        #expect(try instance.request("GET", "/hello-world").status == 200)
    }
}
