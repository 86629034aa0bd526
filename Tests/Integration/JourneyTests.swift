import Foundation
import TestSupport
import Testing

extension IntegrationTests {
    /// The tour of a new user, by the real CLI against the real server.
    @Suite(.timeLimit(.minutes(5)))
    struct JourneyTests {
        @Test(arguments: ["go", "python", "nodejs"])
        func leadsFromAnAccountToALogout(_ runtime: String) async throws {
            let person = try Person()
            #expect(
                try await person.succeeds("register", "-e", person.email, "-p", person.password).contains(person.email))
            try await person.succeeds("logout")
            try await person.succeeds("login", "-e", person.email, "--password-stdin", input: person.password + "\n")
            #expect(try await person.succeeds("whoami").contains(person.email))

            #expect(try await person.succeeds("create", "-n", "hello-world", "-r", runtime).contains("config.json"))
            let url = try await person.succeeds("deploy", "-n", "hello-world", "--public")
            #expect(url.hasSuffix("/hello-world"))
            #expect(try await Call.to(url).text == "Hello from hello-world!\n")
            #expect(try await person.succeeds("invoke", "-n", "hello-world") == "Hello from hello-world!")
            #expect(try await person.succeeds("list").contains(url))

            try person.write(Self.source(runtime), to: "hello-world/\(Self.file(runtime))")
            #expect(try await person.succeeds("deploy", in: "hello-world") == url)
            try await invokesInAllWays(person)
            try await showsLogs(person)
            try await goesBack(person)

            #expect(try await person.succeeds("status").contains("hello-world"))
            try await person.fails("delete", "-n", "hello-world", status: 64, saying: "--yes")
            #expect(try await person.succeeds("delete", "-n", "hello-world", "--yes") == "Deleted hello-world")
            try await person.fails("invoke", "-n", "hello-world", status: 1, saying: "hello-world")
            #expect(try await person.succeeds("list", "--json") == "[]")
            #expect(try await person.succeeds("logout").contains(person.email))
            try await person.fails("list", status: 4, saying: "not logged in")
        }

        private func invokesInAllWays(_ person: Person) async throws {
            let answer = try await person.succeeds("invoke", "-n", "hello-world", "-X", "PUT", "/a/b?c=d")
            #expect(answer == "PUT /hello-world/a/b c=d  0")
            let withBody = try await person.succeeds(
                "invoke", "-n", "hello-world", "-H", "X-Word: given", "-d", "12345")
            #expect(withBody == "POST /hello-world  given 5")
            let bytes = Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) })
            try person.write(bytes, to: "input.bin")
            let echo = try await person.invok(["invoke", "-n", "hello-world", "-d", "@input.bin", "/echo"])
            #expect(echo.status == 0)
            #expect(echo.output == bytes)
        }

        private func showsLogs(_ person: Person) async throws {
            try await eventually("the log has the line") {
                try await person.succeeds("logs", "-n", "hello-world").contains("saw PUT")
            }
            let log = try person.start("logs", "-n", "hello-world", "-f")
            try await log.line(with: "saw PUT")
            try await person.succeeds("invoke", "-n", "hello-world", "-X", "PATCH")
            try await log.line(with: "saw PATCH")
            #expect(await log.interrupt() == 130)
            let json = try await person.succeeds("logs", "-n", "hello-world", "--json")
            for line in json.split(separator: "\n") {
                #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
            }
        }

        private func goesBack(_ person: Person) async throws {
            let versions = try await person.succeeds("versions", "-n", "hello-world").split(separator: "\n")
            #expect(versions.count == 3)
            #expect(versions.dropFirst().first?.hasSuffix("active") == true)
            try await person.succeeds("rollback", "-n", "hello-world")
            #expect(try await person.succeeds("invoke", "-n", "hello-world") == "Hello from hello-world!")
            try await person.succeeds("rollback", "-n", "hello-world", "--to", "2")
            #expect(try await person.succeeds("invoke", "-n", "hello-world").hasPrefix("GET /hello-world"))
            try await person.fails("rollback", "-n", "hello-world", "--to", "9", status: 1, saying: "9")
        }

        @Test func saysWhatIsWrong() async throws {
            let stranger = try Person()
            try await stranger.fails("list", status: 4, saying: "invok login")
            try await stranger.fails("depoly", status: 64, saying: "did you mean 'invok deploy'")
            try await stranger.fails("create", "-n", "Hello", status: 64, saying: "Hello")
            try await stranger.fails("create", "-n", "hello", "-r", "golang", status: 64, saying: "-r go")
            try await stranger.fails(
                "register", "-e", "nobody", "-p", "long enough it is", status: 64, saying: "nobody")
            try await stranger.fails(
                "login", "-e", stranger.email, "-p", "not the password", status: 1, saying: "password")

            let person = try await Person.registered()
            try await person.fails(
                "register", "-e", person.email, "-p", person.password, status: 1, saying: "invok login -e")
            try await person.fails("deploy", "-n", "nothing", status: 1, saying: "nothing")
            try await person.fails("invoke", "-n", "nothing", status: 1, saying: "nothing")
            try await person.fails("logs", "-n", "nothing", status: 1, saying: "nothing")
            try await person.fails("invoke", "-n", "nothing", "-H", "no colon", status: 64, saying: "no colon")
            try await person.fails("list", "--host", "http://127.0.0.1:1", status: 4, saying: "not logged in")
            try await person.fails("list", "--host", "127.0.0.1:0", status: 64, saying: "127.0.0.1:0")
        }

        @Test func speaksJSON() async throws {
            let person = try await Person.registered()
            try await person.succeeds("create", "-n", "hello", "-r", "python")
            let commands = [
                ["whoami"], ["deploy", "-n", "hello"], ["deploy", "-n", "hello"], ["list"],
                ["versions", "-n", "hello"], ["status"],
                ["rollback", "-n", "hello", "--to", "1"], ["delete", "-n", "hello", "--yes"], ["logout"],
            ]
            for command in commands {
                let outcome = try await person.invok(command + ["--json"])
                #expect(outcome.status == 0, "\(command): \(outcome.errors)")
                #expect(throws: Never.self, "\(command): \(outcome.text)") {
                    try JSONSerialization.jsonObject(with: outcome.output)
                }
            }
            let failure = try await person.invok(["list", "--json"])
            #expect(failure.status == 4)
            let object = try JSONSerialization.jsonObject(with: Data(failure.errors.utf8)) as? [String: Any]
            #expect(object?["code"] as? String == "unauthenticated")
        }

        @Test func keepsTheLoginInTheWorkingFolderUnderDocker() async throws {
            let person = try Person(environment: ["ENV": "DOCKER"])
            try await person.succeeds("register", "-e", person.email, "-p", person.password)
            let file = person.folder.appending(path: ".serverless-cli-auth").path
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            #expect(!FileManager.default.fileExists(atPath: person.folder.appending(path: ".config").path))
            #expect(try await person.succeeds("whoami").contains(person.email))
        }

        private static func file(_ runtime: String) -> String {
            ["go": "function.go", "python": "function.py"][runtime] ?? "function.js"
        }

        /// Tells what it saw: method, path, query, the header X-Word and the length of the body. `/echo` gives that back.
        private static func source(_ runtime: String) -> String {
            switch runtime {
            case "go":
                #"""
                package main

                import (
                	"fmt"
                	"io"
                	"net/http"
                )

                func HelloWorldHandler(w http.ResponseWriter, r *http.Request) {
                	fmt.Println("saw", r.Method)
                	body, _ := io.ReadAll(r.Body)
                	if r.URL.Path == "/hello-world/echo" {
                		w.Write(body)
                		return
                	}
                	fmt.Fprintf(w, "%s %s %s %s %d", r.Method, r.URL.Path, r.URL.RawQuery, r.Header.Get("X-Word"), len(body))
                }
                """#
            case "python":
                #"""
                def handler(request):
                    print("saw", request.method)
                    if request.path == "/hello-world/echo":
                        return request.body
                    word = request.headers.get("x-word", "")
                    return f"{request.method} {request.path} {request.query_string} {word} {len(request.body)}"
                """#
            default:
                #"""
                export default async (request) => {
                  console.log("saw", request.method);
                  const url = new URL(request.url);
                  const body = await request.arrayBuffer();
                  if (url.pathname === "/hello-world/echo") return body;
                  const word = request.headers.get("x-word") ?? "";
                  return `${request.method} ${url.pathname} ${url.search.slice(1)} ${word} ${body.byteLength}`;
                };
                """#
            }
        }
    }
}
