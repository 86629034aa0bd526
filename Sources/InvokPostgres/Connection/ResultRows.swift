import CPostgres

/// What a statement returned. Belongs to the thread that has the connection.
final class ResultRows {
    private let result: OpaquePointer

    /// - Parameter result: is cleared with this value.
    init(owning result: OpaquePointer) { self.result = result }

    deinit { PQclear(result) }

    var count: Int { Int(PQntuples(result)) }
    /// How many rows the statement inserted, changed or removed.
    var affected: Int { Int(String(cString: PQcmdTuples(result))) ?? 0 }
    /// What the server says it did, as `COMMIT`.
    var tag: String { String(cString: PQcmdStatus(result)) }
    var first: ResultRow? { count > 0 ? ResultRow(rows: self, index: 0) : nil }

    func map<Value>(_ transform: (ResultRow) throws -> Value) rethrows -> [Value] {
        try (0..<count).map { try transform(ResultRow(rows: self, index: Int32($0))) }
    }

    fileprivate func bytes(_ row: Int32, _ column: String) throws(PostgresError) -> UnsafeRawBufferPointer? {
        let number = PQfnumber(result, column)
        guard number >= 0 else { throw .unusable("the store returned no column '\(column)'") }
        guard PQgetisnull(result, row, number) == 0, let value = PQgetvalue(result, row, number) else { return nil }
        return UnsafeRawBufferPointer(start: value, count: Int(PQgetlength(result, row, number)))
    }
}

/// One row, by the names of its columns.
struct ResultRow {
    let rows: ResultRows
    let index: Int32

    /// The text, or `nil` for NULL.
    func optionalText(_ column: String) throws(PostgresError) -> String? {
        try rows.bytes(index, column).map { String(decoding: $0, as: UTF8.self) }
    }

    func text(_ column: String) throws(PostgresError) -> String {
        guard let text = try optionalText(column) else { throw Self.corrupt(column) }
        return text
    }

    /// The text as a value.
    /// - Throws: `unusable` for what no version of Invok can have written.
    func parsed<Value>(_ column: String, _ parse: (String) throws -> Value?) throws(PostgresError) -> Value {
        let text = try text(column)
        do {
            if let value = try parse(text) { return value }
        } catch {
            throw Self.corrupt(column)
        }
        throw Self.corrupt(column)
    }

    func integer(_ column: String) throws(PostgresError) -> Int64 { try parsed(column) { Int64($0) } }

    func optionalInteger(_ column: String) throws(PostgresError) -> Int? {
        guard try rows.bytes(index, column) != nil else { return nil }
        return Int(try integer(column))
    }

    func boolean(_ column: String) throws(PostgresError) -> Bool { try text(column) == "t" }

    /// The bytes of a column that was asked for in binary.
    func bytes(_ column: String) throws(PostgresError) -> [UInt8] {
        guard let bytes = try rows.bytes(index, column) else { throw Self.corrupt(column) }
        return Array(bytes)
    }

    private static func corrupt(_ column: String) -> PostgresError {
        .unusable("the store has a value in '\(column)' that cannot be read")
    }
}
