import Hummingbird
import Invok
import InvokProxy
import NIOCore
import ServiceLifecycle

/// Server-sent events (WHATWG HTML §9.2).
enum EventStream {
    /// How often the caller's right is looked at again: what was taken back ends a stream within 15 s.
    static let check = Duration.seconds(5)
    /// After how many of those a stream says that it is there.
    static let checksPerKeepAlive = 3
    static let keepAlive = check * checksPerKeepAlive

    /// A line of a log as an event. JSON has no line breaks of its own, so one `data` field holds it.
    static func event(_ entry: LogEntry) throws -> String {
        let data = try JSONBody.encode(LogMessage(entry))
        return "id: \(entry.cursor.sequence)\ndata: \(String(buffer: data))\n\n"
    }

    /// The lines as they come, and a comment when none has come for a while, which keeps proxies from closing the
    /// connection and shows a client that has gone. Ends with the client, with its right, and when the server shuts down.
    /// - Parameters:
    ///   - place: is kept until then.
    ///   - mayGoOn: whether the caller may still read.
    static func body(
        of lines: LogFollowing, on connection: any ClientConnection, clock: any Invok.Clock,
        place: StreamPlaces.Place, mayGoOn: @escaping @Sendable () async -> Bool
    ) -> ResponseBody {
        ResponseBody { writer in
            defer { withExtendedLifetime(place) {} }
            let output = Output(writer)
            // The head goes out at once, whether or not there is a line.
            try await output.write(": invok\n\n")
            try? await cancelWhenGracefulShutdown {
                try await connection.untilInputEnds {
                    try await send(lines, to: output, clock: clock, mayGoOn: mayGoOn)
                }
            }
            try await output.finish()
        }
    }

    private static func send(
        _ lines: LogFollowing, to output: Output, clock: any Invok.Clock,
        mayGoOn: @escaping @Sendable () async -> Bool
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await entry in lines { try await output.write(event(entry)) }
            }
            group.addTask {
                var rounds = 0
                while true {
                    try await clock.sleep(until: clock.now().advanced(by: check))
                    rounds += 1
                    guard await mayGoOn() else { return }
                    if rounds.isMultiple(of: checksPerKeepAlive) { try await output.write(": keep-alive\n\n") }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// The response's writer, for two tasks: each event is one write. Unchecked, since the protocol does not say that a
    /// writer is sendable; Hummingbird's own is, and it hands out no other here.
    struct Output: @unchecked Sendable {
        private let writer: any ResponseBodyWriter

        init(_ writer: any ResponseBodyWriter) { self.writer = writer }

        func write(_ text: String) async throws {
            var writer = writer
            try await writer.write(ByteBuffer(string: text))
        }

        func finish() async throws { try await writer.finish(nil) }
    }
}
