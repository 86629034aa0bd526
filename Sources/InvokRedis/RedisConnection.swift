import CHiredis

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Why there is no connection, or none any more.
struct RedisFailure: Error, Hashable, Sendable, CustomStringConvertible {
    enum Kind: Hashable, Sendable {
        case unreachable, wrongPassword, noDatabase
    }

    let kind: Kind
    let description: String

    init(_ description: String, _ kind: Kind = .unreachable) {
        self.kind = kind
        self.description = description
    }
}

/// One connection, logged in. It belongs to one thread: opening it waits, and from then on nothing does.
final class RedisConnection {
    private let context: UnsafeMutablePointer<redisContext>

    /// - Parameter timeoutSeconds: for each of connecting and logging in.
    init(_ target: RedisTarget, timeoutSeconds: Int) throws(RedisFailure) {
        let timeout = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        let opened: UnsafeMutablePointer<redisContext>? =
            switch target.address {
            case .tcp(let host, let port): redisConnectWithTimeout(host, port, timeout)
            case .unix(let path): redisConnectUnixWithTimeout(path, timeout)
            }
        guard let opened else { throw RedisFailure("out of memory") }
        context = opened
        guard context.pointee.err == 0 else { throw failure }
        redisSetTimeout(context, timeout)
        if let password = target.password { try logIn(target.user, password) }
        if target.database != 0 { try select(target.database) }
        if case .error(let text) = try ask(["PING"]) {
            throw RedisFailure(text, text.hasPrefix("NOAUTH") ? .wrongPassword : .unreachable)
        }
        // From here on the caller waits for the socket, together with what else it waits for.
        context.pointee.flags &= ~REDIS_BLOCK
        let flags = fcntl(context.pointee.fd, F_GETFL)
        guard flags >= 0, fcntl(context.pointee.fd, F_SETFL, flags | O_NONBLOCK) == 0 else {
            throw RedisFailure("the socket cannot be used")
        }
    }

    deinit { redisFree(context) }

    var descriptor: Int32 { Int32(context.pointee.fd) }
    /// Whether there are bytes that the socket has not taken yet.
    private(set) var hasOutput = false

    /// Lays a command into the buffer that `write` sends.
    func append(_ command: [String]) throws(RedisFailure) {
        guard Self.withArguments(command, { redisAppendCommandArgv(context, $0, $1, $2) }) == REDIS_OK else {
            throw failure
        }
        hasOutput = true
    }

    /// Sends as much as the socket takes.
    func write() throws(RedisFailure) {
        var isDone: Int32 = 0
        guard redisBufferWrite(context, &isDone) == REDIS_OK else { throw failure }
        hasOutput = isDone == 0
    }

    /// Reads what is there.
    func read() throws(RedisFailure) {
        guard redisBufferRead(context) == REDIS_OK else { throw failure }
    }

    /// The next reply that has been read whole.
    func nextReply() throws(RedisFailure) -> RedisReply? {
        var reply: UnsafeMutableRawPointer?
        guard redisGetReplyFromReader(context, &reply) == REDIS_OK else { throw failure }
        return reply.map(Self.take)
    }

    // MARK: Opening

    private func logIn(_ user: String?, _ password: String) throws(RedisFailure) {
        let reply = try ask(["AUTH"] + [user, password].compactMap(\.self))
        if case .error(let text) = reply { throw RedisFailure(text, .wrongPassword) }
    }

    private func select(_ database: Int) throws(RedisFailure) {
        guard case .error(let text) = try ask(["SELECT", "\(database)"]) else { return }
        throw RedisFailure(text, text.hasPrefix("NOAUTH") ? .wrongPassword : .noDatabase)
    }

    private func ask(_ command: [String]) throws(RedisFailure) -> RedisReply {
        guard let reply = Self.withArguments(command, { redisCommandArgv(context, $0, $1, $2) }) else { throw failure }
        return Self.take(reply)
    }

    private static func take(_ reply: UnsafeMutableRawPointer) -> RedisReply {
        defer { freeReplyObject(reply) }
        return RedisReply(UnsafePointer(reply.assumingMemoryBound(to: redisReply.self)))
    }

    private var failure: RedisFailure {
        let text = withUnsafeBytes(of: context.pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return RedisFailure(text.isEmpty ? "the connection ended" : text)
    }

    /// Shows a command's words to hiredis, with their lengths.
    private static func withArguments<Value>(
        _ words: [String],
        _ body: (Int32, UnsafeMutablePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int>?) -> Value
    ) -> Value {
        let bytes = Array(words.joined().utf8) + [0]
        let lengths = words.map(\.utf8.count)
        return bytes.withUnsafeBytes { buffer in
            var next = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            var pointers: [UnsafePointer<CChar>?] = []
            for length in lengths {
                pointers.append(next)
                next = next?.advanced(by: length)
            }
            return pointers.withUnsafeMutableBufferPointer { pointers in
                lengths.withUnsafeBufferPointer { body(Int32(words.count), pointers.baseAddress, $0.baseAddress) }
            }
        }
    }
}
