import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

extension IntegrationTests {
    /// Each folder of Examples/ deploys as it is and does what its page says.
    @Suite(.timeLimit(.minutes(5)))
    struct ExamplesTests {
        private static let folder = Products.package.appending(path: "Examples")

        @Test func areAllTestedHere() throws {
            let folders = ["", "ecosystem/"].flatMap { parent in
                let names = try? FileManager.default.contentsOfDirectory(
                    atPath: Self.folder.appending(path: parent).path)
                return (names ?? []).map { parent + $0 }
            }
            .filter { FileManager.default.fileExists(atPath: Self.folder.appending(path: "\($0)/config.json").path) }
            #expect(
                folders.sorted() == [
                    "ecosystem/django", "ecosystem/express-style", "ecosystem/fastapi", "ecosystem/flask",
                    "ecosystem/go-templates", "ecosystem/hono-style", "ecosystem/typescript-paths", "go-image",
                    "go-page",
                    "go-websocket", "hello-go", "hello-node", "hello-python", "hello-typescript", "node-env",
                    "python-stream",
                ])
        }

        @Test(arguments: ["hello-go", "hello-python", "hello-node"])
        func greet(_ name: String) async throws {
            let url = try await deploy(name)
            #expect(try await Call.to(url).text == "Hello from \(name)!\n")
            #expect(try await Call.to(url + "/below/it?and=more").text == "Hello from \(name)!\n")
        }

        @Test func typescriptAnswersWithJSON() async throws {
            let answer = try await Call.to(deploy("hello-typescript") + "?name=Ada")
            #expect(answer.headers.first(name: "content-type")?.hasPrefix("application/json") == true)
            let object = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: String]
            #expect(object == ["message": "Hello from Ada!", "name": "Ada"])
        }

        @Test func thePageIsHTMLAndItsFormWorks() async throws {
            let url = try await deploy("go-page")
            let page = try await Call.to(url + "/a/b")
            #expect(page.headers.first(name: "content-type") == "text/html; charset=utf-8")
            #expect(page.text.contains("<code>/go-page/a/b</code>"))
            let sent = try await Call.to(
                url, method: .POST, headers: ["Content-Type": "application/x-www-form-urlencoded"],
                body: Array("name=%3CAda%3E".utf8))
            #expect(sent.text.contains("<h1>Hello, &lt;Ada&gt;!</h1>"))
        }

        @Test func theImageIsWholeAndTheSameEachTime() async throws {
            let url = try await deploy("go-image")
            let first = try await Call.to(url)
            #expect(first.headers.first(name: "content-type") == "image/png")
            #expect(first.body.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
            #expect(first.body.suffix(8).elementsEqual([0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82]))
            #expect(try await Call.to(url).body == first.body)
        }

        @Test func theStreamArrivesWhileItIsMade() async throws {
            let url = try await deploy("python-stream")
            let clock = ContinuousClock()
            let response = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: url + "?count=10"), timeout: .seconds(60))
            #expect(response.headers.first(name: "content-type") == "text/event-stream")
            var text = ""
            var first: ContinuousClock.Instant?
            for try await part in response.body {
                if first == nil { first = clock.now }
                text += String(buffer: part)
            }
            // Nine pauses of a tenth of a second lie between the first event and the last: no load makes them shorter.
            #expect(try clock.now - #require(first) >= .milliseconds(500))
            #expect(text.components(separatedBy: "\n\n").count == 11)
            #expect(text.hasSuffix("data: tick 10 of 10\n\n"))
        }

        @Test func aWebSocketSendsBackWhatItGets() async throws {
            let url = try await deploy("go-websocket")
            let plain = try await Call.to(url)
            #expect(plain.status == 426 && plain.text == "only WebSockets are served here\n")
            let socket = try await WebSocketClient.connect(to: url)
            #expect(try await socket.echo("hello") == "hello")
            #expect(try await socket.echo("") == "")
            #expect(try await socket.echo(String(repeating: "x", count: 125)).count == 125)
            try await socket.sayGoodbye()
        }

        @Test func theEnvironmentIsRead() async throws {
            #expect(try await Call.to(deploy("node-env") + "?name=Ada").text == "Good morning, Ada!\n")
        }

        @Test func typescriptWithPathsAndEnumsIsMounted() async throws {
            let url = try await deploy("typescript-paths", in: "ecosystem/")
            #expect(try await Call.to(url + "/orders", method: .POST).text == #"{"id":100,"status":"open"}"#)
            #expect(
                try await Call.to(url + "/orders/100/advance", method: .POST).text == #"{"id":100,"status":"paid"}"#)
            #expect(try await Call.to(url + "/orders/7/advance", method: .POST).status == 404)
        }

        @Test func flaskKeepsASession() async throws {
            let url = try await deploy("flask", in: "ecosystem/")
            let form = ["Content-Type": "application/x-www-form-urlencoded"] as HTTPHeaders
            let added = try await Self.unredirected(url + "/notes", form: "note=%3Cone%3E", headers: form)
            #expect(added.status == 302)
            let path = try #require(URL(string: url)).path
            #expect(added.headers["location"] == [path + "/"])
            let cookie = try #require(added.headers.first(name: "set-cookie"))
            #expect(cookie.contains("Path=\(path)"))
            let session = String(try #require(cookie.split(separator: ";").first))
            let page = try await Call.to(url, headers: ["Cookie": session])
            #expect(page.text.contains("<li>&lt;one&gt;</li>") && page.text.contains("action=\"\(path)/notes\""))
            #expect(try await Call.to(url).text.contains("<li>") == false)
        }

        @Test func fastAPIChecksWhatItGetsAndDocumentsIt() async throws {
            let url = try await deploy("fastapi", in: "ecosystem/")
            #expect(try await Call.to(url + "/prices/apple").text == #"{"apple":3}"#)
            #expect(try await Call.to(url + "/prices/none").status == 404)
            func order(_ count: Int) async throws -> Call {
                try await Call.to(
                    url + "/orders", method: .POST, headers: ["Content-Type": "application/json"],
                    body: Array(#"{"item":"pear","count":\#(count)}"#.utf8))
            }
            #expect(try await order(2).text == #"{"total":8}"#)
            #expect(try await order(-2).status == 422)
            let document = try #require(URL(string: url)).path + "/openapi.json"
            #expect(try await Call.to(url + "/docs").text.contains("'\(document)'"))
            #expect(try await Call.to(url + "/openapi.json").text.contains(#""title":"Orders""#))
        }

        @Test func djangoTakesAFormWithItsToken() async throws {
            let url = try await deploy("django", in: "ecosystem/")
            let page = try await Call.to(url)
            let path = try #require(URL(string: url)).path
            #expect(page.text.contains("action=\"\(path)/greet/\""))
            let token = String(try #require(page.text.firstMatch(of: /csrfmiddlewaretoken" value="(\w+)"/)).1)
            let cookie = try #require(page.headers.first(name: "set-cookie")?.split(separator: ";").first)
            let form = ["Content-Type": "application/x-www-form-urlencoded"] as HTTPHeaders
            func greet(_ headers: HTTPHeaders) async throws -> Call {
                try await Self.unredirected(
                    url + "/greet/", form: "name=Ada&csrfmiddlewaretoken=\(token)", headers: headers)
            }
            var headers = form
            headers.add(name: "Cookie", value: String(cookie))
            #expect(try await greet(headers).text == "Hello, Ada!\n")
            #expect(try await greet(form).status == 403)
            // Its own redirect, to the path that ends in a slash, and the view's, back to the form.
            #expect(try await Call.to(url + "/greet").text.contains("csrfmiddlewaretoken"))
        }

        @Test func expressStyleIsAnsweredAsThere() async throws {
            let url = try await deploy("express-style", in: "ecosystem/")
            #expect(try await Call.to(url).text == #"[{"id":1,"title":"Read the README","done":false}]"#)
            let made = try await Call.to(
                url + "/todos", method: .POST, headers: ["Content-Type": "application/json"],
                body: Array(#"{"title":"a"}"#.utf8))
            #expect(made.status == 201 && made.text == #"{"id":2,"title":"a","done":false}"#)
            let path = try #require(URL(string: url)).path
            #expect(made.headers["location"] == ["\(path)/todos/2"])
            #expect(made.headers["set-cookie"] == ["last=2; HttpOnly; Path=\(path)"])
            #expect(try await Call.to(url + "/todos/9").status == 404)
            #expect(try await Call.to(url + "/todos", method: .POST, body: Array("x".utf8)).status == 400)
        }

        @Test func honoStyleIsMounted() async throws {
            let url = try await deploy("hono-style", in: "ecosystem/")
            let greeting = try await Call.to(url)
            #expect(greeting.text == "Hello, World!\n")
            #expect(greeting.headers.first(name: "server-timing")?.hasPrefix("app;dur=") == true)
            #expect(try await Call.to(url + "/hello/%C3%9Cte").text == "Hello, Üte!\n")
            #expect(try await Call.to(url + "/sum", method: .POST, body: Array("[1,2]".utf8)).text == #"{"sum":3}"#)
            #expect(try await Call.to(url + "/sum").status == 404)
        }

        @Test func goTemplatesAreReadAtRunTime() async throws {
            let url = try await deploy("go-templates", in: "ecosystem/")
            let page = try await Call.to(url)
            #expect(page.text.contains("<h1>Hello, World!</h1>"))
            #expect(try await Call.to(url + "/greet/%3Cb%3E").text.contains("<h1>Hello, &lt;b&gt;!</h1>"))
            let style = String(try #require(page.text.firstMatch(of: /href="([^"]*)"/)).1)
            let address = try #require(URL(string: style, relativeTo: URL(string: url)))
            #expect(try await Call.to(address.absoluteString).text == "h1 { font-family: sans-serif; }\n")
        }

        private static let unredirecting = HTTPClient(
            configuration: HTTPClient.Configuration(redirectConfiguration: .disallow))

        /// The answer to a form that is sent, itself.
        private static func unredirected(_ url: String, form: String, headers: HTTPHeaders) async throws -> Call {
            try await Call.to(url, method: .POST, headers: headers, body: Array(form.utf8), by: unredirecting)
        }

        /// - Parameter parent: the folder below Examples/ that it lies in, with its slash.
        /// - Returns: the URL of the example, callable by anybody.
        private func deploy(_ name: String, in parent: String = "") async throws -> String {
            let person = try await Person.registered()
            try FileManager.default.copyItem(
                at: Self.folder.appending(path: parent + name), to: person.folder.appending(path: name))
            return try await person.succeeds("deploy", "-n", name, "--public")
        }
    }
}
