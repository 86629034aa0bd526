import HTTPTypes
import Invok
import InvokProxy
import Logging

/// Which requests of one client's connection call a function whose instance takes them at once. The answers are those that
/// `ServerResponder` would give, for which it asks nobody who would have to be waited for.
///
/// What a connection's requests have in common is worked out once.
final class FunctionCalls: DirectCalls {
    /// A function on a shared origin, and what of a target names it.
    private struct Function {
        let prefix: [UInt8]
        let key: FunctionKey
        let rules: FunctionAnswerRules
    }

    private let system: InvokSystem
    private let configuration: ServerConfiguration
    private let forwarding: ForwardingRules
    private let hosts: HostRules
    private let logger: Logger
    private let isLogged: Bool
    private let peer: String
    private let isProxy: Bool
    /// What limits count a stranger at that address by.
    private let stranger: String?
    private let callerLines: [UInt8]
    private let shard: CallMeter.Shard
    /// Where the calls of the function that was called last are counted.
    private var place: (key: FunctionKey, place: CallMeter.Place?)?

    private var site: (host: [UInt8]?, site: HostRules.Site)?
    private var function: Function?
    private var tokens: (authorizations: [String], apart: String?, tokens: ForwardedHead.Tokens)?
    private var date: (second: Int64, line: [UInt8]) = (.min, [])

    /// - Parameters:
    ///   - peer: the address at the other end of the connection, or `unknown`.
    ///   - shard: the event loop's.
    init(
        system: InvokSystem, configuration: ServerConfiguration, forwarding: ForwardingRules, peer: String,
        shard: CallMeter.Shard, logger: Logger
    ) {
        self.shard = shard
        self.system = system
        self.configuration = configuration
        self.forwarding = forwarding
        self.peer = peer
        self.logger = logger
        isLogged = logger.logLevel <= .debug
        hosts = configuration.hosts
        isProxy = forwarding.trusts(peer)
        let caller = forwarding.caller(HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/"), peer: peer)
        stranger = configuration.strangerKey(of: caller)
        callerLines = Self.lines(forwarding.fields(of: caller))
    }

    // MARK: DirectCalls

    func call(for request: RequestHead) -> DirectCall? {
        let began = system.world.clock.now()
        guard let seen = Seen(request.head) else { return nil }
        // Behind a proxy each request has a caller of its own.
        let caller = isProxy ? forwarding.caller(HTTPRequest(request), peer: peer) : nil
        let hostBytes =
            caller.map { $0.host.map { Array($0.utf8) } } ?? request.host.map { Array(request.head.bytes[$0]) }
        guard let (key, rest, rules) = target(of: request, at: hostBytes, isScript: seen.isServiceWorker),
            let tokens = tokens(authorizations: seen.authorizations, apart: seen.token)
        else { return nil }
        let warm = system.invocations.warm(key, tokens: tokens, isOfPage: seen.hasOrigin) {
            caller.map { configuration.strangerKey(of: $0) } ?? stranger
        }
        guard let warm else { return nil }
        let requestID = RequestIdentity.make(given: seen.requestID, randomness: system.world.randomness)
        var requestLines: [UInt8] = []
        requestLines.reserveCapacity(callerLines.count + 256)
        requestLines += caller.map { Self.lines(forwarding.fields(of: $0)) } ?? callerLines
        if caller == nil, let hostBytes { Self.add("X-Forwarded-Host", hostBytes, to: &requestLines) }
        if let prefix = rules.path { Self.add("X-Forwarded-Prefix", prefix.utf8, to: &requestLines) }
        Self.add("X-Invok-Request-Id", requestID.utf8, to: &requestLines)
        var answerLines: [UInt8] = []
        answerLines.reserveCapacity(256)
        answerLines += dateLine()
        Self.add("X-Request-Id", requestID.utf8, to: &answerLines)
        return DirectCall(
            warm, began: began, requestID: requestID, requestLines: requestLines, answerLines: answerLines, rest: rest,
            rules: rules)
    }

    func onDropped(_ cookies: [String], of call: DirectCall) {
        InvokeHandler.log(cookies, of: "\(call.warm.function)", requestID: call.requestID, to: logger)
    }

    func onEnd(_ call: DirectCall, _ request: RequestHead, _ summary: AnswerSummary) {
        let duration = call.began.duration(to: system.world.clock.now())
        count(
            CallRecord(
                status: summary.status, failure: summary.failure, duration: duration,
                requestBytes: summary.requestBytes, answerBytes: summary.bytes),
            of: call.warm.function)
        guard isLogged else { return }
        let request = HTTPRequest(request)
        AccessLog.write(
            request, summary, requestID: call.requestID, client: forwarding.caller(request, peer: peer).client,
            isInvocation: true, duration: duration, to: logger)
    }

    // MARK: Inside

    private func count(_ record: CallRecord, of key: FunctionKey) {
        if place?.key != key { place = (key, nil) }
        var known = place?.place
        shard.record(record, of: key, at: &known)
        place?.place = known
    }

    /// The function that is called, what follows its name in the target, and what its answers may say.
    private func target(
        of request: RequestHead, at host: [UInt8]?, isScript: Bool
    ) -> (FunctionKey, Range<Int>, FunctionAnswerRules)? {
        let target = request.head.bytes[request.target]
        guard target.first == UInt8(ascii: "/") else { return nil }
        switch site(host) {
        case .refused: return nil
        case .function(let namespace, let name):
            guard let key = Self.key(namespace, name) else { return nil }
            let rest = HostRules.isRoot(target) ? request.target.dropFirst() : request.target
            return (key, rest, FunctionAnswerRules(path: nil))
        case .shared:
            guard !isScript else { return nil }
            if let function, target.starts(with: function.prefix) {
                let rest = request.target.dropFirst(function.prefix.count)
                let next = request.head.bytes[rest].first
                if next == nil || next == UInt8(ascii: "/") || next == UInt8(ascii: "?") {
                    return (function.key, rest, function.rules)
                }
            }
            guard let path = InvocationPath(target) else { return nil }
            let text = { (range: Range<Int>) in String(decoding: request.head.bytes[range], as: UTF8.self) }
            let (namespace, name) = (text(path.namespace), text(path.name))
            guard let key = Self.key(namespace, name) else { return nil }
            let found = Function(
                prefix: Array(target.prefix(upTo: path.rest.lowerBound)), key: key,
                rules: FunctionAnswerRules(path: "/invok/\(namespace)/\(name)"))
            function = found
            return (found.key, path.rest, found.rules)
        }
    }

    /// The tokens of a request, which are those of the one before mostly.
    private func tokens(authorizations: [String], apart: String?) -> ForwardedHead.Tokens? {
        if let tokens, tokens.authorizations == authorizations, tokens.apart == apart { return tokens.tokens }
        guard let found = try? ForwardedHead.Tokens(authorizations: authorizations, apart: apart) else { return nil }
        tokens = (authorizations, apart, found)
        return found
    }

    private static func key(_ namespace: String, _ name: String) -> FunctionKey? {
        guard let namespace = Namespace(namespace), let name = try? FunctionName(name) else { return nil }
        return FunctionKey(namespace: namespace, name: name)
    }

    private func site(_ host: [UInt8]?) -> HostRules.Site {
        if let site, site.host == host { return site.site }
        let found = hosts.site(at: host.map { String(decoding: $0, as: UTF8.self) })
        site = (host, found)
        return found
    }

    private func dateLine() -> [UInt8] {
        let now = system.world.clock.wallTime()
        let second = now.millisecondsSinceEpoch / 1000
        if second != date.second {
            var line: [UInt8] = []
            Self.add("Date", now.httpDate.utf8, to: &line)
            if let name = configuration.serverName { Self.add("Server", name.utf8, to: &line) }
            date = (second, line)
        }
        return date.line
    }

    private static func lines(_ fields: [HTTPField]) -> [UInt8] {
        var lines: [UInt8] = []
        for field in fields { add(field.name.rawName, field.value.utf8, to: &lines) }
        return lines
    }

    private static func add(_ name: String, _ value: some Sequence<UInt8>, to lines: inout [UInt8]) {
        lines.append(contentsOf: name.utf8)
        lines.append(contentsOf: ": ".utf8)
        lines.append(contentsOf: value)
        lines.append(contentsOf: "\r\n".utf8)
    }
}

/// What of a request's fields decides on its way.
private struct Seen {
    var authorizations: [String] = []
    var token: String?
    var requestID: String?
    var hasOrigin = false
    var isServiceWorker = false

    /// - Returns: `nil` where a field that there should be one of is there twice.
    init?(_ head: MessageHead) {
        let text = { (field: MessageHead.Field) in String(decoding: head.value(field), as: UTF8.self) }
        for field in head.fields {
            switch field.name.count {
            case 6 where head.isNamed(field, "origin"): hasOrigin = true
            case 12 where head.isNamed(field, "x-request-id"):
                guard requestID == nil else { return nil }
                requestID = text(field)
            case 13 where head.isNamed(field, "authorization"): authorizations.append(text(field))
            case 13 where head.isNamed(field, "x-invok-token"):
                guard token == nil else { return nil }
                token = text(field)
            case 14 where head.isNamed(field, "service-worker"): isServiceWorker = true
            default: break
            }
        }
    }
}
