import CHiredis

/// What a Redis server answered.
enum RedisReply: Hashable, Sendable {
    case null
    case integer(Int64)
    case text(String)
    case array([RedisReply])
    case error(String)

    /// - Parameter reply: one of hiredis', which stays the caller's.
    init(_ reply: UnsafePointer<redisReply>) {
        let value = reply.pointee
        switch value.type {
        case REDIS_REPLY_INTEGER: self = .integer(value.integer)
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: self = .text(Self.text(of: value))
        case REDIS_REPLY_ERROR: self = .error(Self.text(of: value))
        case REDIS_REPLY_ARRAY:
            self = .array(
                (0..<Int(value.elements)).map { index in
                    value.element[index].map { RedisReply(UnsafePointer($0)) } ?? .null
                })
        default: self = .null
        }
    }

    private static func text(of reply: redisReply) -> String {
        guard let start = reply.str else { return "" }
        return String(decoding: UnsafeRawBufferPointer(start: start, count: Int(reply.len)), as: UTF8.self)
    }
}
