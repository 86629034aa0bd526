import ArgumentParser
import AsyncHTTPClient
import InvokModel
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

struct InvokeCommand: Verb {
    static let configuration = CommandConfiguration(
        commandName: "invoke", abstract: "Call a function; its answer goes to stdout as it is.",
        discussion: """
            Examples: invok invoke -n hello
                      invok invoke -n hello -d '{"name": "Ada"}' '/greet?polite=yes'
                      invok invoke -n resize -d @photo.jpg > small.jpg
            Ends with 1 where the answer's status is 400 or more.
            """)

    @OptionGroup var function: FunctionOptions

    @Option(
        name: [.customShort("X"), .customLong("method")],
        help: ArgumentHelp("The method; GET, or POST with --data.", valueName: "method"))
    var method: String?

    @Option(
        name: [.customShort("H"), .customLong("header")],
        help: ArgumentHelp("A header, as 'Name: value'. May be repeated.", valueName: "header"))
    var headers: [String] = []

    @Option(
        name: [.short, .long], parsing: .unconditional,
        help: ArgumentHelp("The body: text, @FILE or @- for stdin.", valueName: "data"))
    var data: String?

    @Flag(name: .shortAndLong, help: "Print the answer's status and headers first.")
    var include = false

    @Argument(help: "What follows the function's name in the URL: /sub/path?query.")
    var path: String?

    @OptionGroup var options: CommonOptions

    func validate() throws {
        if let method, !InvokeRequest.isToken(method) { throw ValidationError("'\(method)' is not an HTTP method.") }
        for header in headers where InvokeRequest.header(header) == nil {
            throw ValidationError("'\(header)' is not a header; write it as 'Name: value'.")
        }
        if let path, !InvokeRequest.isPath(path) {
            throw ValidationError(
                "'\(path)' is not a path in the function; write it as /sub/path?query, with spaces and the like as %20."
            )
        }
    }

    func run(in context: Context) async throws -> ExitStatus {
        let name = try function.functionName(in: context)
        let body = try data.map(RequestBody.init)
        return try await context.withOptionalAccount { account, client in
            let namespace = try await namespace(account, client)
            let request = InvokeRequest(
                method: method, headers: headers.compactMap(InvokeRequest.header), body: body, path: path ?? ""
            ).request(client, "/invok/\(namespace)/\(name)")
            guard let account else { return try await answer(to: request, from: client, name: name, in: context) }
            return try await account.about(name, namespace: namespace) {
                try await answer(to: request, from: client, name: name, in: context)
            }
        }
    }

    /// Without a login, only a namespace given in full can be meant.
    private func namespace(_ account: Account?, _ client: APIClient) async throws -> Namespace {
        if let account { return try await account.namespace(function.namespace) }
        guard let text = function.namespace else { throw Failure.notLoggedIn(client.host) }
        guard let namespace = Namespace(text) else {
            throw Failure.usage("'\(text)' is not a namespace", nextStep: "give the uuid of the user who shares it")
        }
        return namespace
    }

    private func answer(
        to request: HTTPClientRequest, from client: APIClient, name: FunctionName, in context: Context
    ) async throws -> ExitStatus {
        // A function may stream for as long as it likes; the server knows its time limit.
        let response = try await client.send(request, timeout: .seconds(24 * 3600))
        let status = response.status
        let isProblem = response.headers.first(name: "Content-Type")?.hasPrefix("application/problem+json") ?? false
        if include {
            let lines = ["HTTP/1.1 \(status.code) \(status.reasonPhrase)"] + response.headers.map { "\($0): \($1)" }
            for line in lines + [""] { context.console.result(line) }
        } else if isProblem, status.code >= 400 {
            return try await explain(response, from: client, name: name, in: context)
        } else if !(200..<300).contains(status.code) {
            context.console.note("\(status.code) \(status.reasonPhrase)")
        }
        do {
            for try await chunk in response.body { context.console.write(Array(chunk.readableBytesView)) }
        } catch {
            throw Failure(
                "incomplete_answer", "the answer of '\(name)' broke off",
                nextStep: "see what it printed with 'invok logs -n \(name)'")
        }
        return status.code < 400 ? .success : .failure
    }

    /// The platform's own errors are shown as every command shows them; what a function says in the same form, as it is.
    private func explain(
        _ response: HTTPClientResponse, from client: APIClient, name: FunctionName, in context: Context
    ) async throws -> ExitStatus {
        let body = try await client.body(of: response)
        guard let problem = try? JSONDecoder().decode(ProblemMessage.self, from: body) else {
            context.console.note("\(response.status.code) \(response.status.reasonPhrase)")
            context.console.write(Array(body))
            return .failure
        }
        var failure = Failure(problem, host: client.host)
        if failure.nextStep == nil, problem.status >= 500 {
            failure.nextStep = "see what it printed with 'invok logs -n \(name)'"
        }
        throw failure
    }
}
