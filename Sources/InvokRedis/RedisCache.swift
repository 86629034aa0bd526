public import Invok
import InvokConcurrency
public import Logging
import Synchronization

/// The coordination cache that cores share: Redis.
///
/// Without it every call throws `unavailable` at once; it comes back by itself. Messages reach this core's own
/// listeners without the detour over the server.
public final class RedisCache: CoordinationCache {
    private static let messageBuffer = 256

    private let prefix: String
    /// Marks this cache's own messages, which its listeners have heard already.
    private let origin: String
    private let commands: RedisLink
    private let messages: RedisLink
    private let broadcast: Broadcast<String, String>
    private let channels: Channels

    /// Opens the cache.
    /// - Parameters:
    ///   - prefix: begins the names of all keys and channels.
    /// - Throws: `InvokError`, with the next step, when the server cannot be reached or does not let us in.
    public static func open(
        _ target: RedisTarget, prefix: String = "invok:", clock: any Clock, randomness: any Randomness, logger: Logger
    ) async throws(InvokError) -> RedisCache {
        let cache: RedisCache
        do throws(RedisFailure) {
            cache = try RedisCache(target, prefix: prefix, clock: clock, randomness: randomness, logger: logger)
        } catch {
            throw startError(error, target)
        }
        do throws(CacheError) {
            try await cache.check()
        } catch {
            let failure = cache.commands.failure
            cache.close()
            throw startError(failure, target)
        }
        return cache
    }

    init(
        _ target: RedisTarget, prefix: String, clock: any Clock, randomness: any Randomness, logger: Logger
    ) throws(RedisFailure) {
        self.prefix = prefix
        let (broadcast, channels) = (Broadcast<String, String>(buffer: Self.messageBuffer), Channels())
        let origin = UUIDValue(randomness: randomness).description
        (self.broadcast, self.channels, self.origin) = (broadcast, channels, origin)
        commands = try RedisLink(target, mode: .replies, clock: clock, logger: logger)
        // Both links go through the same losses; one of them tells of them.
        var quiet = logger
        quiet.logLevel = .critical
        messages = try RedisLink(
            target,
            mode: .messages(
                subscriptions: { channels.names.map { ["SUBSCRIBE", prefix + $0] } },
                onMessage: { reply in
                    guard case .array(let parts) = reply, parts.count == 3, parts[0] == .text("message"),
                        case .text(let channel) = parts[1], case .text(let text) = parts[2]
                    else { return }
                    guard let message = Envelope.open(text, except: origin) else { return }
                    broadcast.send(message, on: String(channel.dropFirst(prefix.count)))
                }),
            clock: clock, logger: quiet)
    }

    deinit { close() }

    /// Ends both connections. Every later call throws.
    public func close() {
        commands.close()
        messages.close()
    }

    // MARK: Counters and leases

    public func increment(_ key: String, by amount: Int, window: Duration) async throws(CacheError) -> CounterReading {
        let milliseconds = window.milliseconds
        let reply = try await commands.send([
            "EVAL", Script.increment, "1", prefix + key, "\(milliseconds)", "\(amount)",
        ])
        guard case .array(let values) = reply, values.count == 2, case .integer(let count) = values[0],
            case .integer(let left) = values[1]
        else { throw Self.unexpected(reply) }
        return CounterReading(count: Int(count), remaining: .milliseconds(left))
    }

    public func acquireLease(_ key: String, holder: String, duration: Duration) async throws(CacheError) -> Bool {
        let milliseconds = duration.milliseconds
        let reply = try await commands.send(
            ["EVAL", Script.acquireLease, "1", prefix + key, holder, "\(milliseconds)"])
        guard case .integer(let taken) = reply else { throw Self.unexpected(reply) }
        return taken == 1
    }

    public func releaseLease(_ key: String, holder: String) async throws(CacheError) {
        let reply = try await commands.send(["EVAL", Script.releaseLease, "1", prefix + key, holder])
        guard case .integer = reply else { throw Self.unexpected(reply) }
    }

    public func isLeased(_ key: String) async throws(CacheError) -> Bool {
        let reply = try await commands.send(["EXISTS", prefix + key])
        guard case .integer(let count) = reply else { throw Self.unexpected(reply) }
        return count == 1
    }

    // MARK: Messages

    public func publish(_ message: String, to channel: String) async throws(CacheError) {
        broadcast.send(message, on: channel)
        let reply = try await commands.send(["PUBLISH", prefix + channel, Envelope.seal(message, from: origin)])
        guard case .integer = reply else { throw Self.unexpected(reply) }
    }

    public func messages(on channel: String) -> AsyncStream<String> {
        let stream = broadcast.messages(on: channel)
        if channels.add(channel) { messages.tell(["SUBSCRIBE", prefix + channel]) }
        return stream
    }

    // MARK: Health

    /// Writes, so that a replica or a server without memory does not pass.
    public func check() async throws(CacheError) {
        let reply = try await send(["SET", prefix + "check", "1", "PX", "1000"])
        guard reply == .text("OK") else { throw Self.unexpected(reply) }
    }

    /// Sends any command: for tests too.
    func send(_ command: [String]) async throws(CacheError) -> RedisReply { try await commands.send(command) }

    private static func unexpected(_ reply: RedisReply) -> CacheError {
        if case .error(let text) = reply { return .unavailable("Redis: \(text)") }
        return .unavailable("Redis gave an answer of the wrong kind")
    }

    private static func startError(_ failure: RedisFailure, _ target: RedisTarget) -> InvokError {
        let nextStep =
            switch failure.kind {
            case .unreachable: "check that the server runs and that REDIS_URL has its host and port"
            case .wrongPassword: "check the password in REDIS_URL"
            case .noDatabase: "check the database's number in REDIS_URL"
            }
        return InvokError(
            .unavailable, "the Redis server \(target) cannot be used", nextStep: nextStep, inner: failure.description)
    }
}

/// The channels that somebody has listened to. The code names them, so there are few, and none is given up.
private final class Channels: Sendable {
    private let known = Mutex<Set<String>>([])

    var names: [String] { known.withLock { $0.sorted() } }

    /// - Returns: whether it is new.
    func add(_ channel: String) -> Bool { known.withLock { $0.insert(channel).inserted } }
}

/// A message with its sender: `ORIGIN MESSAGE`.
enum Envelope {
    static func seal(_ message: String, from origin: String) -> String { "\(origin) \(message)" }

    /// - Returns: `nil` for one's own, and for what is none.
    static func open(_ text: String, except origin: String) -> String? {
        guard let space = text.firstIndex(of: " "), text[..<space] != origin else { return nil }
        return String(text[text.index(after: space)...])
    }
}

/// What has to happen at once on the server, in Lua.
private enum Script {
    /// - Returns: the count and the milliseconds that it still lives; a key that lost its end gets a new one.
    static let increment = """
        local count = redis.call('INCRBY', KEYS[1], ARGV[2])
        local left = redis.call('PTTL', KEYS[1])
        if left < 0 then
            redis.call('PEXPIRE', KEYS[1], ARGV[1])
            left = tonumber(ARGV[1])
        end
        return {count, left}
        """
    static let acquireLease = """
        local holder = redis.call('GET', KEYS[1])
        if holder and holder ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1
        """
    static let releaseLease = """
        if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
        return 0
        """
}

extension Duration {
    /// At least one, since Redis refuses a time of zero.
    fileprivate var milliseconds: Int64 { max(1, wholeNanoseconds / 1_000_000) }
}
