import Invok
import InvokProxy
import InvokSim
import InvokSimNetwork

/// Calls one function in all the ways that HTTP has, and in some that it has not, by bytes of its own.
///
/// What it gets is held against what the function has sent, and what the function got against what it sent itself.
struct SimByteCaller: Sendable {
    let name: String
    let model: SimFunctionModel
    let token: String
    let slowness: Int
    let cluster: SimCluster
    let bytes: SimBytes

    private var key: FunctionKey { model.key }
    private var checker: SimChecker { cluster.checker }

    /// Works until users stop.
    func run() async {
        var random = cluster.random(name)
        while cluster.usersWork {
            await cluster.rest(random.duration(below: .seconds(6) * slowness))
            guard cluster.usersWork else { return }
            let front = await cluster.front(&random)
            guard let server = front.life.byteServer,
                let connection = await SimClientConnection.connect(
                    to: server.address, over: bytes.network, from: "192.0.2.7")
            else { continue }
            checker.callBegins(key)
            await cluster.waits.during("\(name) calls \(key) on \(front.name) by bytes") {
                switch random.below(10) {
                case 0: await smuggle(on: connection, front, &random)
                case 1: await leave(connection, front, &random)
                default: await talk(on: connection, front, &random)
                }
            }
            connection.close()
            checker.callEnds(key)
        }
    }

    private func draw(_ count: Int, _ front: SimFront, _ random: inout SimGenerator) -> [SimRawRequest] {
        (1...count).map { number in
            front.onRequest()
            let request = SimRawRequest.draw(
                cluster.nextRequestID(), to: "/invok/\(key)", token: token, mayEnd: number == count, &random)
            front.tally.begin(key, on: front.name, bodyBytes: request.body.count)
            return request
        }
    }

    // MARK: Whole requests

    /// Sends some requests, at once or one behind the other, and takes the answers.
    private func talk(on connection: SimClientConnection, _ front: SimFront, _ random: inout SimGenerator) async {
        let requests = draw(random.below(3) == 0 ? 2 + random.below(4) : 1, front, &random)
        if requests.count > 1 { checker.mark("pipelined requests") }
        let endsSending = random.below(6) == 0
        let (began, steady) = (cluster.clock.now(), model.steady)
        let contents = requests.map { $0.content(&random) }
        // An answer that breaks off ends the connection, by a reset where requests behind it are unread, and with that goes
        // what is on its way of those before (RFC 9112 §9.6).
        let breaksOff = requests.contains { $0.fields.contains { $0.value.contains("break") } }
        let pauses = requests.map { $0.expectsContinue ? random.duration(below: .milliseconds(400)) : .zero }
        let sending = Task {
            for (index, request) in requests.enumerated() {
                connection.send(request.head)
                if request.expectsContinue { await cluster.sleep(pauses[index]) }
                connection.send(contents[index])
            }
            if endsSending { connection.endOutput() }
        }
        for request in requests {
            let received = await receive(request, on: connection)
            if received.isWhole, let status = received.status {
                front.tally.end(
                    key, on: front.name, status: status, isByFunction: received.isByFunction,
                    bodyBytes: received.body.count)
            }
            check(received, request)
            let isCalm = steady.map(model.isStill) ?? false && cluster.isCalm(since: began)
            if isCalm, !breaksOff {
                checker.require(
                    received.isWhole && received.isByFunction,
                    "\(request.method) \(request.id) to \(key) got \(received.status ?? 0), "
                        + "\(received.isWhole ? "not by the function" : "and not all of it"), though nothing was wrong;"
                        + " sent: \(requests.map(\.summary))")
            }
            guard received.isWhole else { break }
        }
        sending.cancel()
    }

    private func receive(_ request: SimRawRequest, on connection: SimClientConnection) async -> SimHTTPClient.Received {
        var reader = ResponseReader(limits: HeadLimits(), isHeadRequest: request.method == "HEAD")
        var received = SimHTTPClient.Received()
        while true {
            switch await connection.next(&reader) {
            case .head(let head):
                received.status = head.status
                received.fields = head.head.pairs
            case .body(let bytes): received.body += bytes
            case .end(let trailers, _):
                received.isWhole = true
                received.trailers = trailers?.pairs ?? []
                return received
            case .cutOff: return received
            case .fault(let fault):
                received.fields.append((name: "x-sim-fault", value: "\(fault)"))
                return received
            }
        }
    }

    /// Holds both messages against what the other side has sent.
    private func check(_ received: SimHTTPClient.Received, _ request: SimRawRequest) {
        let entries = bytes.ledger.entries(of: request.id)
        checker.onBytes(received, of: entries, id: request.id)
        for entry in entries { check(entry, request) }
        bytes.ledger.forget(request.id)
        if request.isHTTP10 { checker.mark("request of HTTP/1.0") }
        if let status = received.status { checker.mark("\(request.method) answered with \(status)") }
        if !request.fields.contains(where: { $0.name == "TE" }) {
            checker.require(received.trailers.isEmpty, "\(request.id) got trailers that it had not asked for")
        }
    }

    private func check(_ entry: SimLedger.Entry, _ request: SimRawRequest) {
        checker.require(entry.function == key, "a request to \(key) reached \(entry.function)")
        checker.require(entry.method == request.method, "a \(request.method) became a \(entry.method)")
        checker.require(
            request.body.starts(with: entry.requestBody),
            "\(key) got \(entry.requestBody.count) bytes as the body of \(request.id), which differ from those sent")
        let sent = request.passed.map { "\($0.name.lowercased()): \($0.value)" }
        let passed = entry.requestFields.filter { $0.name.hasPrefix("x-sim-sent") }.map { "\($0.name): \($0.value)" }
        checker.require(passed == sent, "\(key) got the fields \(passed) instead of \(sent)")
        let hidden = entry.requestFields.filter { field in
            ["authorization", "x-invok-token", "x-sim-hop", "te", "expect"].contains(field.name)
                || field.value.contains("1.2.3.4")
        }
        checker.require(hidden.isEmpty, "\(key) got what is no function's to see: \(hidden.map(\.name))")
    }

    // MARK: Others

    /// Goes away in the middle of a request or of its answer.
    private func leave(_ connection: SimClientConnection, _ front: SimFront, _ random: inout SimGenerator) async {
        checker.mark("client left in the middle")
        guard let request = draw(1, front, &random).first else { return }
        let whole = request.head + request.content(&random)
        connection.send(Array(whole.prefix(random.below(whole.count + 1))))
        if random.below(2) == 0 { connection.endOutput() }
        await cluster.sleep(random.duration(below: .milliseconds([1, 20, 1000][random.below(3)])))
        connection.close(isReset: random.below(2) == 0)
        bytes.ledger.forget(request.id)
    }

    /// Sends what is no request. It is refused, and what stands behind it is none either.
    private func smuggle(on connection: SimClientConnection, _ front: SimFront, _ random: inout SimGenerator) async {
        front.onRequest()
        // Some are requests up to a place in their bodies.
        front.tally.begin(key, on: front.name, bodyBytes: 0)
        let id = cluster.nextRequestID()
        connection.send(SimRawRequest.malformed(around: id, to: "/invok/\(key)", token: token, &random))
        var reader = ResponseReader(limits: HeadLimits(), isHeadRequest: false)
        var status: Int?
        while true {
            switch await connection.next(&reader) {
            case .head(let head):
                status = head.status
                continue
            case .body: continue
            case .end:
                checker.mark("what is no request refused")
                reader = ResponseReader(limits: HeadLimits(), isHeadRequest: false)
                continue
            case .cutOff: break
            case .fault(let fault): checker.violation("the answer to what is no request has \(fault)")
            }
            break
        }
        checker.require((status ?? 400) >= 400, "what is no request was answered with \(status ?? 0)")
        checker.require(bytes.ledger.entries(of: id).isEmpty, "a request inside of what is none reached \(key)")
    }
}

extension SimHTTPClient.Received {
    fileprivate var isByFunction: Bool { fields.contains { $0.name.lowercased() == "x-sim-version" } }
}
