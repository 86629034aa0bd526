/// A statement as it stands in the source. Nothing that is known only at run time can become part of one: values are
/// parameters.
struct Statement: Hashable, Sendable, ExpressibleByStringLiteral {
    let sql: String

    init(stringLiteral sql: StaticString) { self.sql = sql.description }
}

/// A value for `$1`, `$2`, … of a statement.
enum Parameter: Hashable, Sendable {
    case null
    case text(String)
    case integer(Int64)
    case boolean(Bool)
    case bytes([UInt8])

    static func integer(_ value: Int) -> Parameter { .integer(Int64(value)) }
    static func optional(_ value: Int?) -> Parameter { value.map { .integer($0) } ?? .null }
    static func optional(_ value: String?) -> Parameter { value.map { .text($0) } ?? .null }
    /// Any value by its canonical text.
    static func text(of value: some CustomStringConvertible) -> Parameter { .text(value.description) }

    var isBinary: Bool {
        if case .bytes = self { true } else { false }
    }

    /// How libpq takes it: text ends with a zero byte.
    /// - Throws: `unusable` for text with a zero byte in it, which PostgreSQL cannot keep.
    func encoded() throws(PostgresError) -> [UInt8]? {
        switch self {
        case .null: return nil
        case .text(let text):
            let bytes = Array(text.utf8)
            guard !bytes.contains(0) else { throw .unusable("text with a NUL byte cannot be stored") }
            return bytes + [0]
        case .integer(let value): return Array(value.description.utf8) + [0]
        case .boolean(let value): return [UInt8(ascii: value ? "t" : "f"), 0]
        case .bytes(let bytes): return bytes
        }
    }
}
