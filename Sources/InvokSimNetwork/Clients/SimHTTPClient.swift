import HTTPTypes
import Invok
import InvokProxy
import InvokSim

/// An HTTP client on the simulated network, which keeps connections and uses them again, as browsers and libraries do.
///
/// Used on the simulation's thread only.
package final class SimHTTPClient: @unchecked Sendable {
    /// What a request came to.
    package struct Outcome: Sendable {
        package let end: SimConnection.End
        /// Whether the answer had begun.
        package let hasBegun: Bool
        /// Whether a fault of the network explains an end in the middle.
        package let isFaulty: Bool
    }

    /// A whole answer as it came, or as far as it did.
    package struct Received: Sendable {
        package var status: Int?
        package var fields: [(name: String, value: String)] = []
        package var body: [UInt8] = []
        package var trailers: [(name: String, value: String)] = []
        package var isWhole = false

        package init() {}
    }

    /// Who is idle for longer is not used again: the server may be about to close it.
    private static let idleLimit = Duration.seconds(10)

    private struct Place: Hashable {
        let address: NetworkAddress
        let client: String
    }

    private let network: SimNetwork
    private var random: SimGenerator
    private var idle: [Place: [SimClientConnection]] = [:]

    package init(_ network: SimNetwork, seed: UInt64) {
        self.network = network
        random = SimGenerator(seed: seed)
    }

    /// Sends one request and takes its answer. A task that is cancelled hangs up.
    /// - Parameters:
    ///   - client: the address of who sends it.
    ///   - sink: gets the answer, but for what its coding is.
    ///   - pace: how fast the body is sent and the answer taken; `nil` for as fast as may be.
    ///   - onAnswer: told of the answer as it came.
    package func exchange(
        _ head: HTTPRequest, body: [UInt8], to address: NetworkAddress, from client: String, sink: any ResponseSink,
        pace: SimConnection.Pace? = nil, onAnswer: (Received) -> Void = { _ in }
    ) async -> Outcome {
        let place = Place(address: address, client: client)
        guard let connection = await connection(to: place) else {
            return Outcome(end: .cutOff, hasBegun: false, isFaulty: true)
        }
        return await withTaskCancellationHandler {
            let outcome = await exchange(head, body, on: connection, sink: sink, pace: pace, onAnswer)
            if !connection.isClosed { keep(connection, at: place) }
            return Task.isCancelled && outcome.end != .whole
                ? Outcome(end: .hungUp, hasBegun: outcome.hasBegun, isFaulty: outcome.isFaulty) : outcome
        } onCancel: {
            connection.close()
        }
    }

    // MARK: Connections

    private func connection(to place: Place) async -> SimClientConnection? {
        // Some open one for each request.
        while random.below(8) > 0, let connection = idle[place]?.popLast() {
            let age = connection.lastUse.duration(to: network.clock.now())
            if age < Self.idleLimit, connection.isFresh {
                connection.isReused = true
                return connection
            }
            connection.close()
        }
        return await SimClientConnection.connect(to: place.address, over: network, from: place.client)
    }

    private func keep(_ connection: SimClientConnection, at place: Place) {
        connection.lastUse = network.clock.now()
        idle[place, default: []].append(connection)
    }

    /// Closes those that are idle.
    package func closeIdle() {
        let places = idle.keys.sorted { "\($0)" < "\($1)" }
        for place in places { for connection in idle[place] ?? [] { connection.close() } }
        idle = [:]
    }

    // MARK: The exchange

    private func exchange(
        _ head: HTTPRequest, _ body: [UInt8], on connection: SimClientConnection, sink: any ResponseSink,
        pace: SimConnection.Pace?, _ onAnswer: (Received) -> Void
    ) async -> Outcome {
        connection.send(Self.bytes(of: head, bodyBytes: body.count))
        var sender: Task<Void, Never>?
        if let pace, !body.isEmpty {
            sender = Task { await pace.send(body, on: connection) }
        } else {
            connection.send(body)
        }
        defer { sender?.cancel() }
        var reader = ResponseReader(limits: HeadLimits(), isHeadRequest: head.method == .head)
        var received = Received()
        while true {
            switch await connection.next(&reader) {
            case .head(let head):
                received.status = head.status
                received.fields = head.head.pairs
                try? await sink.writeHead(HTTPResponse(received))
            case .body(let bytes):
                received.body += bytes
                try? await sink.writeChunk(bytes)
                if let pace { await pace.rest() }
            case .end(let trailers, let isReusable):
                received.isWhole = true
                received.trailers = trailers?.pairs ?? []
                onAnswer(received)
                try? await sink.finish(trailers: trailers.map { HTTPFields($0.pairs) })
                // A request that was not wanted to its end is none that another one may follow.
                if !isReusable || !connection.hasSent || sender != nil { connection.close() }
                return Outcome(end: .whole, hasBegun: true, isFaulty: connection.isFaulty)
            case .cutOff:
                onAnswer(received)
                connection.close()
                return Outcome(end: .cutOff, hasBegun: received.status != nil, isFaulty: connection.isFaulty)
            case .fault(let fault):
                received.fields.append((name: "x-sim-fault", value: "\(fault)"))
                onAnswer(received)
                connection.close()
                return Outcome(end: .cutOff, hasBegun: true, isFaulty: false)
            }
        }
    }

    private static func bytes(of head: HTTPRequest, bodyBytes: Int) -> [UInt8] {
        var text = "\(head.method.rawValue) \(head.path ?? "/") HTTP/1.1\r\nHost: \(head.authority ?? "localhost")\r\n"
        for field in head.headerFields where field.name != .contentLength {
            text += "\(field.name.rawName): \(field.value)\r\n"
        }
        if bodyBytes > 0 || head.headerFields[.contentLength] != nil { text += "Content-Length: \(bodyBytes)\r\n" }
        return Array((text + "\r\n").utf8)
    }
}

extension SimConnection.Pace {
    /// Sends a piece at a time.
    fileprivate func send(_ bytes: [UInt8], on connection: SimClientConnection) async {
        var rest = bytes[...]
        while !rest.isEmpty, !Task.isCancelled, !connection.isClosed {
            await self.rest()
            connection.send(Array(rest.prefix(pieceBytes)))
            rest = rest.dropFirst(pieceBytes)
        }
    }

    /// Waits before the next piece; whoever is cancelled does not.
    fileprivate func rest() async { try? await clock.sleep(until: clock.now().advanced(by: pause)) }
}

extension MessageHead {
    /// The fields as texts, in their order.
    package var pairs: [(name: String, value: String)] {
        fields.map { (String(decoding: name($0), as: UTF8.self), String(decoding: value($0), as: UTF8.self)) }
    }
}

extension HTTPResponse {
    fileprivate init(_ received: SimHTTPClient.Received) {
        self.init(status: Status(code: received.status ?? 0))
        headerFields = HTTPFields(received.fields)
    }
}

extension HTTPFields {
    fileprivate init(_ pairs: [(name: String, value: String)]) {
        self.init()
        for (name, value) in pairs {
            if let name = HTTPField.Name(name) { append(HTTPField(name: name, value: value)) }
        }
    }
}
