import HTTPTypes
import Invok
import NIOCore

/// One request and its answer on a client's connection, as the task sees it that answers.
final class ClientExchange: ClientConnection, RequestBody {
    let request: HTTPRequest
    let isEmpty: Bool
    let client: String
    private let earlier: EarlierTry?
    private let handler: NIOLoopBound<ClientHandler>
    private let eventLoop: any EventLoop

    init(
        _ head: RequestHead, of peer: String, after earlier: EarlierTry? = nil, on handler: ClientHandler,
        _ eventLoop: any EventLoop
    ) {
        self.earlier = earlier
        request = HTTPRequest(head)
        isEmpty = head.framing == .length(0)
        client = peer
        self.handler = NIOLoopBound(handler, eventLoop: eventLoop)
        self.eventLoop = eventLoop
    }

    /// Answers the request, and lets the connection go on.
    func run(_ respond: HTTPServer.Handlers.Respond) async {
        do {
            try await respond(request, self, self, earlier)
        } catch {
            // Cut off; whoever answered has said why.
            close()
        }
        eventLoop.execute { [handler] in handler.value.done() }
    }

    // MARK: The request

    func next() async throws -> [UInt8]? {
        try await withTaskCancellationHandler {
            try await eventLoop.flatSubmit { [handler] in handler.value.nextBody() }.get()
        } onCancel: {
            eventLoop.execute { [handler] in handler.value.cancelBody() }
        }
    }

    // MARK: The client

    func whenClientGoes(_ tell: @escaping @Sendable () -> Void) {
        eventLoop.execute { [handler] in handler.value.watch(onGone: tell) }
    }

    func whenInputEnds(_ tell: @escaping @Sendable () -> Void) {
        eventLoop.execute { [handler] in handler.value.watch(onInputEnd: tell) }
    }

    func close() { eventLoop.execute { [handler] in handler.value.close() } }

    // MARK: The answer

    func writeHead(_ head: HTTPResponse) async throws {
        try await eventLoop.flatSubmit { [handler] in handler.value.writeHead(head) }.get()
    }

    func writeChunk(_ bytes: [UInt8]) async throws {
        try await eventLoop.flatSubmit { [handler] in handler.value.writeBody(bytes) }.get()
    }

    func finish(trailers: HTTPFields?) async throws {
        try await eventLoop.flatSubmit { [handler] in handler.value.writeEnd(trailers) }.get()
    }
}

extension HTTPRequest {
    /// What came, in the currency type of the ports: the host as authority, and the target in origin form. The scheme is for
    /// those to say who know what the connection is secured by.
    package init(_ request: RequestHead) {
        let head = request.head
        let target = String(decoding: head.bytes[request.target], as: UTF8.self)
        self.init(
            method: Method(String(decoding: head.bytes[request.method], as: UTF8.self)) ?? .get, scheme: nil,
            authority: request.host.map { String(decoding: head.bytes[$0], as: UTF8.self) },
            // Behind an authority the root may be left out.
            path: target.hasPrefix("/") || target == "*" ? target : "/" + target)
        var fields = HTTPFields(head)
        fields[.hostField] = nil
        if request.asksForUpgrade, request.upgrade == nil { fields[.upgrade] = nil }
        // Nobody behind this has to know that `000` is nothing.
        if case .length(let length) = request.framing, fields[.contentLength] != nil {
            fields[.contentLength] = String(length)
        }
        headerFields = fields
    }
}
