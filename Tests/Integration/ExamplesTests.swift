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
            let folders = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
                .filter {
                    FileManager.default.fileExists(atPath: Self.folder.appending(path: "\($0)/config.json").path)
                }
            #expect(
                folders.sorted() == [
                    "go-image", "go-page", "go-websocket", "hello-go", "hello-node", "hello-python",
                    "hello-typescript", "node-env", "python-stream",
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
