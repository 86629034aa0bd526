import HTTPTypes
public import Invok

/// Calls simulated functions, in the way of a connection: it breaks when the instance ends.
public struct SimTransport: InstanceTransport {
    private let engine: SimContainerEngine
    private let clock: any Clock
    private let effects: SimEffects

    public init(engine: SimContainerEngine, clock: any Clock, effects: SimEffects = SimEffects()) {
        self.engine = engine
        self.clock = clock
        self.effects = effects
    }

    public func exchange(
        _ request: InvocationRequest, with endpoint: InstanceEndpoint, sink: any ResponseSink,
        workEnded: @escaping @Sendable () -> Void
    ) async throws(TransportError) {
        let isCheck = request.head.path == "/_invok/ready"
        let began = clock.now()
        let work: Work
        do throws(TransportError) {
            work = try await begin(request, with: endpoint, isCheck: isCheck)
        } catch {
            if !isCheck {
                engine.instance(at: endpoint)?.noteUse()
                let id = request.head.headerFields[Self.requestID]
                engine.events.onRefusal(id, endpoint, engine.wasToldOfEnd(at: endpoint)?.duration(to: began))
            }
            throw error
        }
        let outcome = await serve(request, by: work.instance, sink: sink)
        switch outcome {
        case .failure(.cancelled), .failure(.clientGone): workOn(work, until: doneWith(work, began), workEnded)
        default: work.end()
        }
        try outcome.get()
    }

    /// Answers a request as the instance's function does, until it has answered or the instance ends.
    package func serve(
        _ request: InvocationRequest, by instance: SimInstance, sink: any ResponseSink
    ) async -> Result<Void, TransportError> {
        await withTaskGroup(of: Result<Void, TransportError>.self) { group in
            group.addTask { await answer(request, of: instance, sink: sink) }
            group.addTask { .failure(await instance.waitUntilEnded() ? .broken("the instance died") : .cancelled) }
            let first = await group.next() ?? .failure(.cancelled)
            group.cancelAll()
            return first
        }
    }

    /// What an instance does for one exchange. A core that crashes drops its connections, and ends it so.
    private struct Work {
        let instance: SimInstance
        let isCheck: Bool
        let core: SimCore?
        let ticket: Int?

        /// - Returns: whether there is still a core that wants to know.
        @discardableResult
        func end() -> Bool {
            guard ticket.map({ core?.settle($0) == true }) ?? true else { return false }
            instance.endRequest(isCheck: isCheck)
            return true
        }
    }

    private func begin(
        _ request: InvocationRequest, with endpoint: InstanceEndpoint, isCheck: Bool
    ) async throws(TransportError) -> Work {
        try await effects.perform(
            isCheck ? "transport.check" : "transport.exchange",
            "\(endpoint) \(request.head.method.rawValue) \(request.head.path ?? "/")",
            at: engine.processors, failure: TransportError.refused
        ) { () throws(TransportError) in
            guard let instance = engine.instance(at: endpoint), let count = instance.beginRequest(isCheck: isCheck)
            else { throw .refused("nothing listens there") }
            // Also one that it has only just made.
            let ticket = SimCore.current?.atCrash { instance.endRequest(isCheck: isCheck) }
            if !isCheck {
                instance.noteUse()
                engine.events.onRequest(request.head.headerFields[Self.requestID], instance.spec, count)
            }
            return Work(instance: instance, isCheck: isCheck, core: SimCore.current, ticket: ticket)
        }
    }

    /// How long a function takes for what has begun, whether its caller waits or not.
    private func doneWith(_ work: Work, _ began: Instant) -> Instant {
        let function = work.instance.function
        let hangs = work.isCheck ? !work.instance.becomesReady : [.hang, .stall, .freeze].contains(function.answer)
        return hangs ? .distantFuture : began.advanced(by: work.isCheck ? .zero : function.delay)
    }

    /// The function does not know that nobody waits for it any more.
    private func workOn(_ work: Work, until end: Instant, _ workEnded: @escaping @Sendable () -> Void) {
        guard clock.now() < end else {
            if work.end() { workEnded() }
            return
        }
        // The instance's, not the core's: it is nobody's child.
        SimCore.$current.withValue(nil) {
            _ = Task {
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { _ = await work.instance.waitUntilEnded() }
                    if end < .distantFuture { group.addTask { [clock] in try? await clock.sleep(until: end) } }
                    await group.next()
                    group.cancelAll()
                }
                if work.end() { workEnded() }
            }
        }
    }

    private func answer(
        _ request: InvocationRequest, of instance: SimInstance, sink: any ResponseSink
    ) async -> Result<Void, TransportError> {
        do {
            if request.head.path == "/_invok/ready" {
                if !instance.becomesReady || instance.isFrozen { try await hang(instance) }
                try await send([], status: 200, for: request, of: instance, to: sink)
            } else {
                try await run(request, of: instance, sink: sink)
            }
            return .success(())
        } catch let error as TransportError {
            return .failure(error)
        } catch {
            return .failure(Task.isCancelled ? .cancelled : .clientGone)
        }
    }

    /// - Throws: `TransportError`, or what the request's body or the sink threw.
    private func run(_ request: InvocationRequest, of instance: SimInstance, sink: any ResponseSink) async throws {
        let function = instance.function
        await engine.print(
            function.logs + function.loggedVariables.compactMap { instance.spec.variable($0) }, of: instance)
        if function.delay > .zero { try await clock.sleep(until: clock.now().advanced(by: function.delay)) }
        switch function.answer {
        case .hello(let text):
            try await send(Array(text.utf8), status: function.status, for: request, of: instance, to: sink)
        case .environment(let name):
            let value = instance.spec.variable(name) ?? ""
            try await send(Array(value.utf8), status: function.status, for: request, of: instance, to: sink)
        case .secretFile(let name):
            let value = instance.spec.secrets(as: .file)[name] ?? ""
            try await send(Array(value.utf8), status: function.status, for: request, of: instance, to: sink)
        case .connect(let address, let port):
            let gate = EgressGate(EgressPolicy(instance.spec.settings.egress ?? .nothing, rules: EgressRules()))
            let isOpen = gate.verdict(on: address, port: port, ours: [], now: clock.now()) == .allowed
            try await send(
                Array((isOpen ? "reached" : "refused").utf8), status: function.status, for: request, of: instance,
                to: sink)
        case .huge(let bytes):
            try await sendHuge(bytes, for: request, of: instance, to: sink)
        case .echo:
            try await echo(request, of: instance, to: sink)
        case .tunnel:
            try await tunnel(request, of: instance, to: sink)
        case .breakOff:
            try await sink.writeHead(Self.head(status: function.status, of: instance))
            try await sink.writeChunk(Array("begun".utf8))
            throw TransportError.broken("the answer was not whole")
        case .refuse:
            throw TransportError.refused("nothing listens there")
        case .exit:
            await engine.crash(instance.spec.id, reason: "exited with status 1")
            throw TransportError.broken("the instance died")
        case .hang:
            try await hang(instance)
        case .stall:
            try await sink.writeHead(Self.head(status: function.status, of: instance))
            try await sink.writeChunk(Array("begun".utf8))
            try await hang(instance)
        case .freeze:
            instance.freeze()
            try await hang(instance)
        }
    }

    /// Ends only with the instance or the task.
    private func hang(_ instance: SimInstance) async throws(TransportError) -> Never {
        throw await instance.waitUntilEnded() ? .broken("the instance died") : .cancelled
    }

    private func send(
        _ body: [UInt8], status: Int, for request: InvocationRequest, of instance: SimInstance,
        to sink: any ResponseSink
    ) async throws {
        var head = Self.head(status: status, of: instance)
        head.headerFields[.contentLength] = String(body.count)
        head.headerFields[.contentType] = "text/plain; charset=utf-8"
        try await sink.writeHead(head)
        if !body.isEmpty, request.head.method != .head { try await sink.writeChunk(body) }
        try await sink.finish(trailers: nil)
    }

    private func sendHuge(
        _ bytes: Int, for request: InvocationRequest, of instance: SimInstance, to sink: any ResponseSink
    ) async throws {
        let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 64 * 1024)
        try await sink.writeHead(Self.head(status: instance.function.status, of: instance))
        var left = request.head.method == .head ? 0 : bytes
        while left > 0 {
            try Task.checkCancellation()
            try await sink.writeChunk(left >= chunk.count ? chunk : Array(chunk.prefix(left)))
            left -= chunk.count
        }
        try await sink.finish(trailers: nil)
    }

    private func echo(_ request: InvocationRequest, of instance: SimInstance, to sink: any ResponseSink) async throws {
        var head = Self.head(status: instance.function.status, of: instance)
        head.headerFields[Self.name("x-echo-method")] = request.head.method.rawValue
        head.headerFields[Self.name("x-echo-path")] = request.head.path ?? ""
        for field in request.head.headerFields {
            let name = Self.name("x-echo-\(field.name.canonicalName)")
            head.headerFields.append(HTTPField(name: name, value: field.value))
        }
        if let type = request.head.headerFields[.contentType] { head.headerFields[.contentType] = type }
        try await sink.writeHead(head)
        while let chunk = try await request.body.next() { try await sink.writeChunk(chunk) }
        try await sink.finish(trailers: nil)
    }

    private func tunnel(_ request: InvocationRequest, of instance: SimInstance, to sink: any ResponseSink) async throws
    {
        guard let upgrade = request.head.headerFields[.upgrade] else {
            return try await echo(request, of: instance, to: sink)
        }
        var head = Self.head(status: 101, of: instance)
        head.headerFields[.upgrade] = upgrade
        try await sink.writeHead(head)
        while let bytes = try await request.body.next() { try await sink.writeChunk(bytes) }
        try await sink.finish(trailers: nil)
    }

    private static func head(status: Int, of instance: SimInstance) -> HTTPResponse {
        let version = instance.spec.version
        var head = HTTPResponse(status: HTTPResponse.Status(code: status))
        head.headerFields[name("x-sim-namespace")] = version.function.namespace.description
        head.headerFields[name("x-sim-version")] = String(version.number)
        return head
    }

    /// What the core says of a request to the function.
    private static let requestID = name("X-Invok-Request-Id")

    /// A header name of the simulation's own or one prefixed to a valid one; both are tokens (RFC 9110 §5.6.2).
    private static func name(_ text: String) -> HTTPField.Name {
        HTTPField.Name(text) ?? .contentLocation
    }
}
