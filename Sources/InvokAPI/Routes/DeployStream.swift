import Hummingbird
import Invok
import InvokProxy
import NIOCore
import Synchronization

/// A deploy as server-sent events (WHATWG HTML §9.2), for a client that asks for them: `log` for each line of the build as it
/// comes, then `deployed` with what is active, or `problem`.
enum DeployStream {
    static let mediaType = "text/event-stream"
    /// Lines that wait for a slow client; what comes beyond is counted, and stands in the build's log.
    static let lineLimit = 4096

    private struct Line: Encodable {
        let text: String
    }

    /// Whether the client has asked for events.
    static func isWanted(_ request: Request) -> Bool {
        request.headers[values: .accept].contains { $0.lowercased().contains(mediaType) }
    }

    /// - Parameters:
    ///   - deploy: gets where the lines go. It goes on to its end also when the client has left.
    ///   - onFailure: makes the problem of an error.
    static func response(
        clock: any Invok.Clock, onFailure: @escaping @Sendable (any Error) -> ByteBuffer,
        deploy: @escaping @Sendable (_ onLine: @escaping @Sendable (String) -> Void) async throws -> Deployment
    ) -> Response {
        let body = ResponseBody { writer in
            let output = EventStream.Output(writer)
            let (lines, line) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingOldest(lineLimit))
            let missing = Mutex(0)
            let last = await withTaskGroup(of: Void.self) { group in
                // A client that has gone takes none; that ends nothing else.
                group.addTask { try? await send(lines, to: output) }
                group.addTask { try? await keepAlive(output, clock) }
                let last: String
                do {
                    let deployment = try await deploy { text in
                        if case .dropped = line.yield(text) { missing.withLock { $0 += 1 } }
                    }
                    last = event("deployed", try JSONBody.encode(DeployResponse(deployment)))
                } catch {
                    last = event("problem", onFailure(error))
                }
                line.finish()
                await group.next()
                group.cancelAll()
                return last
            }
            let count = missing.withLock { $0 }
            if count > 0 { try await output.write(log("(\(count) lines are in the build's log only)")) }
            try await output.write(last)
            try await output.finish()
        }
        return Response(
            status: .ok, headers: [.contentType: mediaType, .cacheControl: "no-store"], body: body)
    }

    private static func send(_ lines: AsyncStream<String>, to output: EventStream.Output) async throws {
        // The head goes out at once, whether or not there is a line.
        try await output.write(": invok\n\n")
        for await text in lines { try await output.write(log(text)) }
    }

    private static func keepAlive(_ output: EventStream.Output, _ clock: any Invok.Clock) async throws {
        while true {
            try await clock.sleep(until: clock.now().advanced(by: EventStream.keepAlive))
            try await output.write(": keep-alive\n\n")
        }
    }

    private static func log(_ text: String) throws -> String { event("log", try JSONBody.encode(Line(text: text))) }

    /// JSON has no line breaks of its own, so one `data` field holds it.
    private static func event(_ name: String, _ data: ByteBuffer) -> String {
        "event: \(name)\ndata: \(String(buffer: data))\n\n"
    }
}
