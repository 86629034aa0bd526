import HTTPTypes
import Logging

/// What a URL `/invok/{namespace}/{name}{rest}` names, as it came, not checked.
public struct InvocationTarget: Hashable, Sendable {
    public let namespace: String
    public let name: String
    /// The sub-path and query: empty, or beginning with `/` or `?`.
    public let rest: String

    public init(namespace: String, name: String, rest: String) {
        self.namespace = namespace
        self.name = name
        self.rest = rest
    }
}

/// Answers requests by running functions.
public final class Invocations: Sendable {
    /// How many instances a request is sent to while each turns out to be gone before it took anything. One that refuses
    /// is out of its pool, so the next is another one.
    static let attempts = 3
    static let retryPause = Duration.milliseconds(20)

    private let world: World
    let accounts: Accounts
    let access: AccessControl
    let directory: Directory
    let dispatcher: Dispatcher
    let quotas: Quotas
    private let logger: Logger

    init(
        world: World, accounts: Accounts, access: AccessControl, directory: Directory, dispatcher: Dispatcher,
        quotas: Quotas, logger: Logger
    ) {
        self.world = world
        self.accounts = accounts
        self.access = access
        self.directory = directory
        self.dispatcher = dispatcher
        self.quotas = quotas
        self.logger = logger
    }

    /// Sends the request to the function and its answer into the sink. Returns when the answer has ended.
    /// - Parameters:
    ///   - stranger: what callers without an account are told apart by; `nil` where one address stands for many. Asked for
    ///     calls of public functions alone.
    ///   - trace: learns what becomes of the call.
    /// - Throws: before the head was written, the answer to give instead; after it, that the answer was cut off.
    ///   `unauthenticated` without a valid token unless the function is public; `not_found` for a token without the
    ///   right, whether the function exists or not; `too_many_requests`, `no_capacity`, `function_failed`,
    ///   `function_timeout`, `start_failed`, `unavailable`.
    package func invoke(
        _ target: InvocationTarget, head: HTTPRequest, body: any RequestBody, requestID: String,
        stranger: @Sendable () -> String?, sink: any ResponseSink, trace: CallTrace
    ) async throws(InvokError) {
        let tokens = try ForwardedHead.Tokens(in: head.headerFields)
        let (key, route) = try await authorize(target, token: tokens.platform)
        trace.onLetIn(to: key)
        let isPublic = route.access == .public
        let dropsAuthorization = await holdsPlatformToken(tokens.bearers, verified: isPublic ? nil : tokens.platform)
        if isPublic, !dropsAuthorization, await !holdsPlatformToken(tokens.apart, verified: nil),
            let stranger = stranger()
        {
            try quotas.countStranger(stranger, of: key, rate: route.version.settings.limits.ratePerCaller)
        }
        try quotas.countInvocation(of: key.namespace)
        let forwarded = ForwardedHead.make(
            head, name: key.name, rest: target.rest, requestID: requestID, dropsAuthorization: dropsAuthorization)
        try await run(forwarded, body, key, route, sink: sink, requestID: requestID, trace)
    }

    /// The origins whose pages may call the function, as its author names them. From memory: whoever asks has not shown
    /// who they are.
    public func origins(of target: InvocationTarget) -> [String] {
        route(target)?.version.settings.cors ?? []
    }

    /// What the function may use, where it is known. From memory, and told to nobody.
    public func limits(of target: InvocationTarget) -> Limits? {
        route(target)?.version.settings.limits
    }

    private func route(_ target: InvocationTarget) -> Route? {
        guard let namespace = Namespace(target.namespace), let name = try? FunctionName(target.name) else { return nil }
        return directory.known(FunctionKey(namespace: namespace, name: name))
    }

    // MARK: Who may

    private func authorize(
        _ target: InvocationTarget, token: String?
    ) async throws(InvokError) -> (FunctionKey, Route) {
        guard let namespace = Namespace(target.namespace), let name = try? FunctionName(target.name) else {
            _ = try await accounts.caller(token: token)
            throw .functionNotFound
        }
        let key = FunctionKey(namespace: namespace, name: name)
        if let known = directory.known(key), known.access == .public { return (key, known) }
        do throws(InvokError) {
            let user = try await accounts.caller(token: token)
            try await access.requireInvocation(in: namespace, by: user)
        } catch {
            // Whether or not the function exists, and without waiting, so that the time tells nothing.
            directory.search(key)
            throw error
        }
        let route = try await storing { () throws(StoreError) in try await directory.route(key) }
        guard let route else { throw .functionNotFound }
        return (key, route)
    }

    /// A token of the platform is never forwarded, also where none was needed.
    /// - Parameter verified: a token that is known to be the platform's.
    private func holdsPlatformToken(_ bearers: [String], verified: String?) async -> Bool {
        if let verified, bearers.contains(verified) { return true }
        for bearer in bearers {
            do throws(TokenError) {
                _ = try await accounts.claims(of: bearer)
                return true
            } catch {
                continue
            }
        }
        return false
    }

    // MARK: Running

    private func run(
        _ head: HTTPRequest, _ body: any RequestBody, _ key: FunctionKey, _ route: Route, sink: any ResponseSink,
        requestID: String, _ trace: CallTrace
    ) async throws(InvokError) {
        let limits = route.version.settings.limits
        let exchange = WatchedExchange(limits, clock: world.clock, trace)
        let request = InvocationRequest(head: head, body: exchange.body(body))
        let sink = exchange.sink(sink)
        var route = route
        for attempt in 1...Self.attempts {
            let place: Dispatcher.Place
            do throws(Dispatcher.Failure) {
                place = try await acquire(route.version.key, trace)
            } catch .rejected(.retired) where attempt < Self.attempts {
                // Another version took over between the look-up and here.
                route = try await successor(of: route, key)
                continue
            } catch {
                throw Self.explain(error)
            }
            let result = await send(request, to: place, sink, exchange)
            dispatcher.release(place, Self.outcome(of: result, isTunnel: exchange.isTunnel))
            switch result {
            case .success: return
            // What was read of the body is gone, and cannot be sent again.
            case .failure(.refused) where attempt < Self.attempts && !exchange.isBodyTouched && !exchange.hasHead:
                try await pause(attempt)
            case .failure(.cancelled) where !Task.isCancelled:
                let expiry = exchange.expiry(now: world.clock.now()) ?? .head
                throw timedOut(expiry, limits, place.instance, requestID)
            case .failure(let error): throw explain(error, place.instance, requestID)
            }
        }
    }

    private func acquire(
        _ version: VersionKey, _ trace: CallTrace
    ) async throws(Dispatcher.Failure) -> Dispatcher.Place {
        if let place = dispatcher.tryAcquire(version) { return place }
        let asked = world.clock.now()
        do throws(Dispatcher.Failure) {
            let place = try await dispatcher.acquire(version)
            let isCold = dispatcher.readySince(place).map { $0 > asked } ?? false
            trace.onWaited(asked.duration(to: world.clock.now()), isCold: isCold)
            return place
        } catch {
            trace.onWaited(asked.duration(to: world.clock.now()), isCold: false)
            throw error
        }
    }

    /// Where one instance is gone others may be, and the word of that takes a moment.
    private func pause(_ attempt: Int) async throws(InvokError) {
        do throws(CancellationError) {
            try await world.clock.sleep(until: world.clock.now().advanced(by: Self.retryPause * attempt))
        } catch {
            throw .unavailable("the request was cancelled")
        }
    }

    /// What the exchange says of the instance.
    private static func outcome(
        of result: Result<Void, TransportError>, isTunnel: Bool
    ) -> InstancePool.Outcome {
        switch result {
        case .success: .answered
        case .failure(.refused): .refused
        case .failure(.broken): .broken
        case .failure(.clientGone): .abandoned
        // The end of a tunnel's time is no fault of the instance.
        case .failure(.cancelled): Task.isCancelled || isTunnel ? .abandoned : .timedOut
        case .failure(.malformed), .failure(.exhausted): .unsent
        }
    }

    private func successor(of route: Route, _ key: FunctionKey) async throws(InvokError) -> Route {
        if let known = directory.known(key), known != route { return known }
        let current = try await storing { () throws(StoreError) in try await directory.refresh(key) }
        guard let current else { throw .functionNotFound }
        return current
    }

    /// - Returns: how it ended; `cancelled` when the time was over or the task was cancelled.
    private func send(
        _ request: InvocationRequest, to place: Dispatcher.Place, _ sink: any ResponseSink, _ exchange: WatchedExchange
    ) async -> Result<Void, TransportError> {
        let (transport, dispatcher) = (world.transport, dispatcher)
        exchange.restart { dispatcher.upgraded(place) }
        let ended = await withDeadline(
            on: world.clock, { exchange.nextLook(now: $0) }
        ) { () async -> Result<Void, TransportError> in
            do throws(TransportError) {
                try await transport.exchange(request, with: place.instance.endpoint, sink: sink) {
                    dispatcher.workEnded(place)
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        guard case .success(let result)? = ended else { return .failure(.cancelled) }
        return result
    }

    func timedOut(
        _ expiry: AnswerDeadlines.Expiry, _ limits: Limits, _ instance: RunningInstance, _ requestID: String
    ) -> InvokError {
        let error = Self.timedOut(expiry, limits)
        dispatcher.remark("request \(requestID) was ended: \(error.message)", on: instance)
        return error
    }

    private static func timedOut(_ expiry: AnswerDeadlines.Expiry, _ limits: Limits) -> InvokError {
        switch expiry {
        case .head:
            InvokError(
                .functionTimeout,
                "the function did not answer within \(limits.timeoutSeconds) s (limits.timeoutSeconds)",
                nextStep: "raise limits.timeoutSeconds in config.json, or make it faster")
        case .pause:
            InvokError(
                .functionTimeout, "the function's answer paused for \(limits.pauseSeconds) s (limits.pauseSeconds)",
                nextStep: "raise limits.pauseSeconds in config.json, or let it send something meanwhile")
        case .stream:
            InvokError(
                .functionTimeout,
                "the request took longer than \(limits.streamSeconds) s in all (limits.streamSeconds)",
                nextStep: "raise limits.streamSeconds in config.json")
        }
    }

    func explain(_ error: TransportError, _ instance: RunningInstance, _ requestID: String) -> InvokError {
        switch error {
        case .refused(let reason), .broken(let reason):
            logger.info(
                "a function failed",
                metadata: ["instance": "\(instance.id)", "reason": "\(reason)", "request_id": "\(requestID)"])
            dispatcher.remark("request \(requestID) was not answered by the function: \(reason)", on: instance)
            return InvokError(
                .functionFailed, "the function ended or broke off while answering",
                nextStep: "see its log with 'invok logs'", inner: reason)
        case .clientGone: return InvokError(.invalidRequest, "the client went away")
        case .cancelled: return .unavailable("the request was cancelled")
        case .malformed(let reason): return .invalidRequest(reason)
        case .exhausted(let reason):
            logger.error("a function could not be asked", metadata: ["reason": "\(reason)"])
            return .unavailable("this server has no connection left")
        }
    }

    private static func explain(_ failure: Dispatcher.Failure) -> InvokError {
        switch failure {
        case .cancelled: return .unavailable("the request was cancelled")
        case .rejected(.queueFull):
            return InvokError(.noCapacity, "too many requests wait for this function", retryAfterSeconds: 1)
        case .rejected(.waitedTooLong):
            return InvokError(.noCapacity, "no instance of the function became free in time", retryAfterSeconds: 5)
        case .rejected(.noRoom(let obstacle)): return InvokError(obstacle)
        case .rejected(.retired):
            return InvokError(.noCapacity, "the function is being replaced", retryAfterSeconds: 1)
        case .rejected(.failing(let reason, let retryAfter)):
            return InvokError(
                .noCapacity, "the function's instances keep failing: \(reason)",
                nextStep: "see its log with 'invok logs'",
                retryAfterSeconds: Int(retryAfter.components.seconds) + 1)
        }
    }
}
