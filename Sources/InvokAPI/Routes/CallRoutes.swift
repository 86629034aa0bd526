import HTTPTypes
import Hummingbird
import Invok
import InvokProxy
import NIOCore
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Calls of functions whose answers come as data, in server-sent events: for a page that shows them and must not have them
/// as documents of its own origin.
enum CallRoutes {
    /// The largest request, with its body in base64.
    static let requestBytes = 2 << 20
    /// The most of an answer that is passed on.
    static let answerBytes = 4 << 20

    static func routes(_ system: InvokSystem) -> [Route] {
        [
            Route(
                method: .post, path: "/api/v1/functions/{namespace}/{name}/call",
                summary: "Call a function and get its answer as data",
                request: BodyDescription(mediaType: "application/json", schema: .reference("Call")),
                success: AnswerDescription(
                    status: .ok,
                    summary:
                        "Events: 'head' (status, headers, milliseconds), 'body' (base64) for each piece, and at last 'end' "
                        + "(bytes, milliseconds, truncated) or 'problem' (a Problem)",
                    body: BodyDescription(mediaType: "text/event-stream", schema: .string)),
                problems: [.invalidRequest, .notFound, .payloadTooLarge, .unsupportedMediaType],
                handler: .authenticated { request, context, principal in
                    let key = try context.functionKey()
                    // Who may see it may call it.
                    _ = try await system.functions.function(key, as: principal)
                    let call = try await JSONBody.decode(CallRequest.self, from: request, atMost: requestBytes)
                    let made = try MadeRequest(call, of: key, token: request.platformToken, context)
                    return Response(
                        status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
                        body: answer(to: made, of: key, system, context))
                })
        ]
    }

    private static func answer(
        to made: MadeRequest, of key: FunctionKey, _ system: InvokSystem, _ context: APIContext
    ) -> ResponseBody {
        ResponseBody { writer in
            let events = CallEvents(EventStream.Output(writer), clock: system.world.clock, limit: answerBytes)
            let trace = CallTrace()
            defer { system.calls.tasks.record(events.record(of: trace), of: trace.function) }
            try await context.connection.untilInputEnds {
                do throws(InvokError) {
                    try await system.invocations.invoke(
                        InvocationTarget(namespace: "\(key.namespace)", name: "\(key.name)", rest: made.rest),
                        head: made.head, body: GivenBody(made.body), requestID: context.requestID, stranger: { nil },
                        sink: events, trace: trace)
                } catch {
                    if !events.isCut { trace.onFailure(CallFailure(error.code, hasBegun: events.hasBegun)) }
                    try await events.end(after: error, requestID: context.requestID)
                }
            }
            try await events.output.finish()
        }
    }
}

/// A request as the caller has described it, checked.
private struct MadeRequest: Sendable {
    let head: HTTPRequest
    let rest: String
    let body: [UInt8]

    init(_ call: CallRequest, of key: FunctionKey, token: String?, _ context: APIContext) throws(InvokError) {
        guard let method = HTTPRequest.Method(call.method), method != .connect, method != .trace else {
            throw .invalidRequest("'\(call.method.prefix(40))' is no method that a function can be called with")
        }
        rest = call.path ?? ""
        // What would end the line of the request, or is no part of what is sent (RFC 9112 §3.2).
        guard rest.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }),
            rest.isEmpty || rest.hasPrefix("/") || rest.hasPrefix("?")
        else {
            throw .invalidRequest(
                "the path must begin with '/' or '?' and have no blanks", nextStep: "write other characters as %20")
        }
        guard let body = call.body.map({ Data(base64Encoded: $0).map { Array($0) } }) ?? [] else {
            throw .invalidRequest("the body is not base64")
        }
        self.body = body
        var fields = HTTPFields()
        for header in call.headers ?? [] {
            guard let name = HTTPField.Name(header.name), HTTPField.isValidValue(header.value) else {
                throw .invalidRequest("'\(header.name.prefix(80))' is no header field that can be sent")
            }
            fields.append(HTTPField(name: name, value: header.value))
        }
        fields = fields.forwardable
        fields[.contentLength] = body.isEmpty && [.get, .head].contains(method) ? nil : String(body.count)
        fields[HTTPField.Name("X-Invok-Token")!] = token
        let prefix = "/invok/\(key)"
        let described = HTTPRequest(
            method: method, scheme: nil, authority: context.caller.host ?? "localhost", path: prefix + rest,
            headerFields: fields)
        head = ForwardingRules(trustedProxies: []).forwarded(described, of: context.caller, prefix: prefix)
    }
}

/// A body that is there.
private final class GivenBody: Invok.RequestBody {
    private let bytes: Mutex<[UInt8]?>
    let isEmpty: Bool

    init(_ bytes: [UInt8]) {
        isEmpty = bytes.isEmpty
        self.bytes = Mutex(bytes.isEmpty ? nil : bytes)
    }

    func next() async throws -> [UInt8]? {
        bytes.withLock { bytes in
            defer { bytes = nil }
            return bytes
        }
    }
}

/// An answer as events.
private final class CallEvents: ResponseSink {
    /// More of the answer is there than is shown.
    private struct Enough: Error {}

    let output: EventStream.Output
    private let clock: any Invok.Clock
    private let began: Instant
    private let limit: Int
    private let state = Mutex(State())

    private struct State {
        var status: Int?
        var bytes = 0
        var isCut = false
    }

    init(_ output: EventStream.Output, clock: any Invok.Clock, limit: Int) {
        self.output = output
        self.clock = clock
        self.limit = limit
        began = clock.now()
    }

    var hasBegun: Bool { state.withLock { $0.status != nil } }
    var isCut: Bool { state.withLock { $0.isCut } }

    /// The call, once it has ended.
    func record(of trace: CallTrace) -> CallRecord {
        let (status, bytes) = state.withLock { ($0.status, $0.bytes) }
        return trace.record(status: status, answerBytes: bytes, duration: began.duration(to: clock.now()))
    }

    func writeHead(_ head: HTTPResponse) async throws {
        state.withLock { $0.status = head.status.code }
        let headers = head.headerFields.map { CallRequest.Header(name: $0.name.rawName, value: $0.value) }
        try await send("head", CallHead(status: head.status.code, headers: headers, milliseconds: milliseconds))
    }

    func writeChunk(_ bytes: [UInt8]) async throws {
        let shown = state.withLock { state in
            let shown = bytes.prefix(limit - state.bytes)
            state.bytes += shown.count
            state.isCut = shown.count < bytes.count
            return shown
        }
        if !shown.isEmpty { try await output.write("event: body\ndata: \(Data(shown).base64EncodedString())\n\n") }
        if isCut { throw Enough() }
    }

    func finish(trailers: HTTPFields?) async throws { try await end() }

    func end(after error: InvokError, requestID: String) async throws {
        if isCut { return try await end() }
        state.withLock { $0.status = $0.status ?? Problem.status(of: error.code).code }
        try await output.write(
            "event: problem\ndata: \(String(buffer: Problem.message(for: error, requestID: requestID).body))\n\n")
    }

    private func end() async throws {
        let (bytes, isCut) = state.withLock { ($0.bytes, $0.isCut) }
        try await send("end", CallEnd(bytes: bytes, milliseconds: milliseconds, truncated: isCut))
    }

    private var milliseconds: Double {
        Double(began.duration(to: clock.now()).wholeNanoseconds / 10_000) / 100
    }

    private func send(_ event: String, _ message: some Encodable) async throws {
        try await output.write("event: \(event)\ndata: \(String(buffer: JSONBody.encode(message)))\n\n")
    }
}
