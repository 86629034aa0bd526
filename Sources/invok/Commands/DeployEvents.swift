import AsyncHTTPClient
import InvokModel
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads the answer to a deploy, and shows what the build prints as it comes.
struct DeployEvents {
    let client: APIClient
    let console: Console

    private struct Line: Decodable {
        var text: String
    }

    /// - Throws: `Failure` with the server's problem; with the build's log where that has not been shown.
    func read(_ response: HTTPClientResponse) async throws -> DeployResponse {
        // An older server answers once all is over.
        guard response.headers.first(name: "Content-Type")?.hasPrefix("text/event-stream") == true else {
            let body = try await client.body(of: response)
            guard response.status.code < 300 else { throw client.problem(status: response.status, body: body) }
            return try decode(body)
        }
        var parser = EventStreamParser()
        var hasShown = false
        do {
            for try await chunk in response.body {
                for event in parser.feed(chunk.readableBytesView) {
                    let data = Data(event.data.utf8)
                    switch event.name {
                    case "log":
                        console.progressLine("  " + (try decode(data) as Line).text)
                        hasShown = !console.isQuiet && !console.isJSON
                    case "deployed": return try decode(data)
                    case "problem":
                        var failure = client.problem(status: .ok, body: data)
                        // What a function that does not start has printed is no part of the build.
                        if hasShown, failure.code == InvokError.Code.buildFailed.rawValue { failure.buildLog = nil }
                        throw failure
                    default: break
                    }
                }
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            throw lost(NetworkErrors.failure(error, host: client.host))
        }
        throw lost(.notUnderstood(client.host, "an answer that ends too early"))
    }

    /// The connection is gone, and the server goes on.
    private func lost(_ failure: Failure) -> Failure {
        var failure = failure
        failure.nextStep = "the server goes on with the deploy: see what becomes of it with 'invok versions'"
        return failure
    }

    private func decode<Message: Decodable>(_ data: Data) throws -> Message {
        do {
            return try JSONDecoder().decode(Message.self, from: data)
        } catch {
            throw Failure.notUnderstood(client.host, "an answer to a deploy that is none")
        }
    }
}
