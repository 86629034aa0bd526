import HTTPTypes
import Invok
import NIOCore

/// The driver of a `DirectExchangeMachine`: passes bytes between the client's connection and the instance's, both of which
/// live on one event loop, and does what the machine says.
final class DirectExchange: AnswerReceiver {
    private let request: RequestHead
    private let call: DirectCall
    private let calls: any DirectCalls
    private let writer: RequestWriter
    private let pool: ConnectionPool
    private let eventLoop: any EventLoop
    private var machine: DirectExchangeMachine
    /// Gone once the exchange has ended.
    private var client: ClientHandler?
    private var connection: InstanceConnection?
    private var summary = AnswerSummary()

    init(
        _ request: RequestHead, _ call: DirectCall, _ calls: any DirectCalls, of client: ClientHandler,
        pool: ConnectionPool, on eventLoop: any EventLoop
    ) {
        self.request = request
        self.call = call
        self.calls = calls
        self.client = client
        self.pool = pool
        self.eventLoop = eventLoop
        writer = RequestWriter(
            request, name: Array(call.warm.function.name.description.utf8), rest: call.rest,
            dropsAuthorization: call.warm.dropsAuthorization, added: call.requestLines)
        machine = DirectExchangeMachine(
            call.warm.limits, now: Instant(nanoseconds: Int64(eventLoop.now.uptimeNanoseconds)))
    }

    /// The machine's time need not be that of the system.
    private var now: Instant { Instant(nanoseconds: Int64(eventLoop.now.uptimeNanoseconds)) }

    /// When the function will have taken too long if nothing happens.
    var deadline: Duration? { machine.due.map { .nanoseconds($0.nanoseconds) } }

    func start() {
        let endpoint = call.warm.endpoint
        if let connection = pool.takeIdle(for: endpoint, on: eventLoop) { return begin(on: connection, isReused: true) }
        pool.connect(to: endpoint, on: eventLoop).assumeIsolated().whenComplete { result in
            switch result {
            case .success(let connection): self.begin(on: connection, isReused: false)
            case .failure(let error):
                self.perform(self.machine.onConnectFailed(isExhaustion: UnixSocketTransport.isExhaustion(error)))
            }
        }
    }

    private func begin(on connection: InstanceConnection, isReused: Bool) {
        guard !machine.hasEnded else { return pool.putBack(connection) }
        self.connection = connection
        let driver = connection.driver
        driver.begin(isHeadRequest: request.isHead, upgrade: writer.upgrade, receiver: self)
        _ = driver.send(ByteBuffer(bytes: writer.head))
        if writer.framing == .none { driver.endRequest(hasBody: false) }
        perform(machine.onConnected(isReused: isReused, hasBody: writer.framing != .none))
    }

    // MARK: What the client's connection says

    func onBody(_ bytes: [UInt8]) {
        guard let driver = connection?.driver else { return }
        summary.requestBytes += bytes.count
        let isTaken = driver.send(ByteBuffer(bytes: writer.body(bytes)))
        perform(machine.onBody(isLast: false, isTaken: isTaken, now: now))
    }

    func onRequestEnd() {
        guard writer.framing != .none || machine.isTunnel, let driver = connection?.driver else { return }
        if machine.isTunnel { driver.endOutput() }
        if !writer.end.isEmpty { _ = driver.send(ByteBuffer(bytes: writer.end)) }
        driver.endRequest(hasBody: true)
        perform(machine.onBody(isLast: true, isTaken: true, now: now))
    }

    /// - Parameter rest: what it has sent last in a tunnel. The instance gets as much of that as its system takes.
    func onClientGone(rest: [UInt8] = []) {
        if !rest.isEmpty { _ = connection?.driver.send(ByteBuffer(bytes: rest)) }
        perform(machine.onClientGone())
    }

    func onClientWritable() { perform(machine.onClientWritable(now: now)) }

    func onTime() { perform(machine.onTime(now: now)) }

    // MARK: What the instance's connection says

    func onAnswer(_ part: AnswerPart) {
        guard let client else { return }
        switch part {
        case .head(let head):
            summary.status = head.status
            var dropped: [String] = []
            var fields = call.rules.fields(of: head.head, dropped: &dropped)
            if head.isUpgrade { fields += head.upgradeFields }
            let isTaken = client.writeHead(head, fields: fields, added: call.answerLines)
            if !dropped.isEmpty { calls.onDropped(dropped, of: call) }
            guard head.isUpgrade else { return perform(machine.onAnswer(isTaken: isTaken, now: now)) }
            call.warm.upgraded()
            perform(machine.onUpgraded(now: now))
        case .body(let bytes):
            summary.bytes += bytes.readableBytes
            let isTaken = client.writeBody(bytes)
            perform(machine.onAnswer(isTaken: isTaken, now: now))
        case .end(let trailers, _):
            client.writeEnd(trailers: trailers.map { request.allowed($0) } ?? [])
            perform(machine.onAnswerEnd())
        }
    }

    func onAnswerRead() {
        client?.flush()
        client?.arm()
    }

    func onAnswerFailed(_ error: any Error) {
        let failure = AnswerFailure(error)
        perform(
            machine.onInstanceFailed(
                failure.description, isClosed: failure.isClosed, isIdempotent: request.isIdempotent))
    }

    func onWritable() { perform(machine.onInstanceWritable(now: now)) }

    // MARK: Inside

    private func perform(_ action: DirectExchangeMachine.Action?) {
        switch action {
        case .readBody: client?.readBody()
        case .holdAnswer: connection?.driver.holdBack(true)
        case .readAnswer: connection?.driver.holdBack(false)
        case .closeTunnel: connection?.driver.closeTunnel()
        case .end(let ending): return end(ending)
        case nil: return
        }
        client?.arm()
    }

    private func end(_ ending: DirectExchangeMachine.Ending) {
        guard let client else { return }
        self.client = nil
        letGo(ending)
        switch ending {
        case .answered:
            summary.isWhole = true
            client.endDirect()
        case .elsewhere: return client.answerElsewhere(request, earlierTry(nil))
        case .failed(let error):
            let failure = call.warm.failed(error, requestID: call.requestID)
            guard machine.isAnswered else { return client.answerElsewhere(request, earlierTry(failure)) }
            summary.failure = .functionFailed
            client.cutOff()
        case .expired(let expiry):
            let failure = call.warm.timedOut(expiry, requestID: call.requestID)
            guard machine.isAnswered else { return client.answerElsewhere(request, earlierTry(failure)) }
            summary.failure = .functionTimeout
            client.cutOff()
        // So do those end that last.
        case .tunnelExpired: client.cutOff()
        case .clientGone:
            // Who sends a body that is none may still read why.
            guard client.isOpen, !machine.isAnswered else {
                summary.failure = .clientGone
                client.cutOff()
                break
            }
            let failure = call.warm.failed(.clientGone, requestID: call.requestID)
            return client.answerElsewhere(request, earlierTry(failure))
        }
        calls.onEnd(call, request, summary)
    }

    /// What the call has come to, for who answers instead. Without a failure it is a new one.
    private func earlierTry(_ failure: InvokError?) -> EarlierTry {
        let trace =
            failure == nil
            ? CallTrace() : CallTrace(function: call.warm.function, requestBytes: summary.requestBytes)
        return EarlierTry(began: call.began, trace: trace, failure: failure)
    }

    /// Gives the instance's connection and place back.
    private func letGo(_ ending: DirectExchangeMachine.Ending) {
        let connection = connection.take()
        connection?.driver.leave()
        switch ending {
        case .answered:
            if let connection { if connection.driver.isClean { pool.putBack(connection) } else { connection.close() } }
            call.warm.end(.answered)
        case .elsewhere, .failed:
            connection?.close()
            call.warm.end(ending.outcome)
        case .expired, .tunnelExpired, .clientGone:
            // Of a request that it has not seen, the instance works on nothing.
            guard let connection else { return call.warm.end(.unsent) }
            connection.abandon()
            connection.whenClosed { [warm = call.warm] in warm.workEnded() }
            call.warm.end(ending.outcome)
        }
    }
}

extension RequestHead {
    var isIdempotent: Bool { IdempotentMethods.contains(String(decoding: head.bytes[method], as: UTF8.self)) }

    /// The trailers that the client gets: those that it has asked for.
    func allowed(_ trailers: MessageHead) -> [(name: String, value: String)] {
        let wanted = head.values("te").map { String(decoding: $0, as: UTF8.self) }
        guard TrailerRules.areWanted(wanted) else { return [] }
        let allowed = TrailerRules.allowed(HTTPFields(trailers).forwardable) ?? [:]
        return allowed.map { ($0.name.rawName, $0.value) }
    }
}
