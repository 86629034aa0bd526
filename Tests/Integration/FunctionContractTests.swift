import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport
import Testing

extension IntegrationTests {
    /// What a function may rely on, through the whole server and the same in each language.
    @Suite(.timeLimit(.minutes(5)))
    struct FunctionContractTests {
        @Test(arguments: ContractFunction.all)
        func requestsAndAnswersPassThrough(_ function: ContractFunction) async throws {
            let (_, url) = try await deploy(function)
            let query = try await Call.to(url + "/query/deep?a=1%202&b=&a=3")
            #expect(query.text == "/contract/query/deep|a=1%202&b=&a=3")
            let header = try await Call.to(url + "/header", headers: ["x-GIVEN": "one, two"])
            #expect(header.text == "one, two")
            #expect(header.headers["x-made"] == ["yes"])
            let path = try #require(URL(string: url)).path
            #expect(header.headers["set-cookie"] == ["a=1; Path=\(path)", "b=2; Path=\(path)"])
            for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"] {
                let answer = try await Call.to(url + "/method", method: HTTPMethod(rawValue: method))
                #expect(answer.headers["x-method"] == [method])
                #expect(answer.text == (method == "HEAD" ? "" : method))
            }
            for status in [200, 201, 204, 301, 304, 400, 404, 418, 500, 503] {
                var request = HTTPClientRequest(url: url + "/status/\(status)")
                request.headers = ["X-Given": "\(status)"]
                let answer = try await Self.unredirected.execute(request, timeout: .seconds(60))
                #expect(Int(answer.status.code) == status)
            }
        }

        @Test(arguments: ContractFunction.all)
        func binaryBodiesPassBothWays(_ function: ContractFunction) async throws {
            let (_, url) = try await deploy(function)
            let body = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            let answer = try await Call.to(
                url + "/echo", method: .POST, headers: ["Content-Type": "application/octet-stream"], body: body)
            #expect(answer.status == 200)
            #expect(answer.body == body)
        }

        @Test(arguments: ContractFunction.all)
        func answersStream(_ function: ContractFunction) async throws {
            let (_, url) = try await deploy(function)
            // The function makes its second part only once another request has told it that the first one arrived.
            let response = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: url + "/stream"), timeout: .seconds(60))
            var parts = response.body.makeAsyncIterator()
            let first = try #require(try await parts.next())
            #expect(String(buffer: first) == "first")
            #expect(try await Call.to(url + "/release").status == 200)
            var rest = ""
            while let part = try await parts.next() { rest += String(buffer: part) }
            #expect(rest == "second")
        }

        @Test(arguments: ContractFunction.all)
        func failuresAreForTheLogAndNotForTheCaller(_ function: ContractFunction) async throws {
            let (person, url) = try await deploy(function)
            let answer = try await Call.to(url + "/fail")
            #expect(answer.status == 500)
            #expect(answer.headers.first(name: "content-type") == "application/problem+json")
            let problem = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any]
            let id = try #require(problem?["request_id"] as? String)
            #expect(answer.headers["x-request-id"] == [id])
            #expect(problem?["code"] as? String == "function_failed")
            #expect(!answer.text.contains("secret"))
            #expect(!answer.text.contains(function.file))
            #expect(try await Call.to(url + "/print").status == 200)
            for words in [id, "a secret of the inside", function.file, "stdout   to stdout", "stderr   to stderr"] {
                try await eventually("the log has '\(words)'") {
                    try await person.succeeds("logs", "-n", "contract").contains(words)
                }
            }
        }

        @Test func headersOverALimitAreNamedInTheLog() async throws {
            let person = try await Person.registered()
            let code = """
                def handler(request):
                    if request.sub_path == "/many": return "", 200, {f"X-{n}": "1" for n in range(300)}
                    return "", 200, {"X-Large": "x" * 70_000}
                """
            try person.write(project: "large", runtime: "python", files: ["function.py": code])
            let url = try await person.succeeds("deploy", "-n", "large", "--public")
            for (path, words) in [("/many", "more than 200 header fields"), ("/large", "more than 65536 bytes")] {
                #expect(try await Call.to(url + path).status == 502)
                try await eventually("the log has '\(words)'") {
                    try await person.succeeds("logs", "-n", "large").contains(words)
                }
            }
        }

        /// From the folder on a person's disk to the function.
        @Test(arguments: [
            (
                "python", "function.py",
                "import subprocess\ndef handler(request): return subprocess.check_output('bin/tool')\n"
            ),
            (
                "go", "function.go",
                """
                package web

                import ("net/http"; "os/exec")

                func Handle(w http.ResponseWriter, r *http.Request) {
                	out, err := exec.Command("bin/tool").Output()
                	if err != nil { http.Error(w, err.Error(), 500); return }
                	w.Write(out)
                }
                """
            ),
        ])
        func programsBesideItCanBeRun(runtime: String, file: String, source: String) async throws {
            let person = try await Person.registered()
            try person.write(
                project: "tools", runtime: runtime, files: [file: source, "bin/tool": "#!/bin/sh\necho run\n"])
            try #require(chmod(person.folder.appending(path: "tools/bin/tool").path, 0o755) == 0)
            let url = try await person.succeeds("deploy", "-n", "tools", "--public")
            #expect(try await Call.to(url).text == "run\n")
        }

        private static let unredirected = HTTPClient(
            configuration: HTTPClient.Configuration(redirectConfiguration: .disallow))

        private func deploy(_ function: ContractFunction) async throws -> (person: Person, url: String) {
            let person = try await Person.registered()
            try person.write(project: "contract", runtime: function.runtime, files: [function.file: function.source])
            return (person, try await person.succeeds("deploy", "-n", "contract", "--public"))
        }
    }
}
