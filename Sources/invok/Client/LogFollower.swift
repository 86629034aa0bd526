import AsyncHTTPClient
import InvokModel
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Follows a function's log, and goes on behind the last line whenever the connection is lost.
struct LogFollower {
    let client: APIClient
    /// `/invok/logs/{namespace}/{name}`
    let path: String
    /// What the first connection asks for: `since`, `limit`.
    let query: [(String, String?)]
    /// What each connection asks for.
    let filter: [(String, String?)]
    /// Told, once each time, that the connection is lost.
    let lost: @Sendable () -> Void

    private static let longestDelay = Duration.seconds(5)

    /// Hands over each line until the task is cancelled.
    /// - Throws: `Failure` if the first connection fails, or if the server refuses a later one.
    func run(isolation: isolated (any Actor)? = #isolation, _ take: (LogMessage) throws -> Void) async throws {
        var parser = EventStreamParser()
        var delay = Duration.milliseconds(250)
        var hasConnected = false
        while !Task.isCancelled {
            var request = client.request(.GET, path, query: (hasConnected ? [] : query) + filter)
            request.headers.add(name: "Accept", value: "text/event-stream")
            if let id = parser.lastEventID { request.headers.add(name: "Last-Event-ID", value: id) }
            do {
                let response = try await client.send(request, timeout: .seconds(365 * 86_400))
                guard response.status == .ok else {
                    throw client.problem(status: response.status, body: try await client.body(of: response))
                }
                hasConnected = true
                delay = .milliseconds(250)
                parser = parser.reconnected
                for try await chunk in response.body {
                    for event in parser.feed(chunk.readableBytesView) { try hand(over: event, to: take) }
                }
            } catch let failure as Failure {
                guard hasConnected, ["unreachable", "unavailable"].contains(failure.code) else { throw failure }
            } catch is CancellationError {
                return
            } catch {
                guard hasConnected else { throw NetworkErrors.failure(error, host: client.host) }
            }
            if Task.isCancelled { return }
            if delay == .milliseconds(250) { lost() }
            try? await Task.sleep(for: delay)
            delay = min(delay * 2, Self.longestDelay)
        }
    }

    private func hand(over event: ServerEvent, to take: (LogMessage) throws -> Void) throws {
        guard event.name == "message" else { return }
        guard let line = try? JSONDecoder().decode(LogMessage.self, from: Data(event.data.utf8)) else {
            throw Failure.notUnderstood(client.host, "a log event that is no log line")
        }
        try take(line)
    }
}

extension EventStreamParser {
    /// A parser for the next connection: it keeps the last id and nothing of an event cut in half.
    var reconnected: EventStreamParser { EventStreamParser(lastEventID: lastEventID) }
}
