/// The bounds of a head.
package struct HeadLimits: Hashable, Sendable {
    /// All of it in bytes, the empty line included.
    var bytes: Int
    var fields: Int

    package init(bytes: Int = 64 * 1024, fields: Int = 200) {
        self.bytes = bytes
        self.fields = fields
    }
}

/// Reads heads and trailers, a line at a time, strictly by RFC 9112: what two readers might take differently is a fault.
///
/// A machine: how the bytes were split on their way makes no difference. It is given all bytes from the first of the head
/// on each time, and looks at each only once.
struct HeadScanner: Sendable {
    private let limits: HeadLimits
    /// Trailers have none.
    private let hasStartLine: Bool
    private var lineStart = 0
    private var looked = 0
    private(set) var startLine: Range<Int>?
    private var fields: [MessageHead.Field] = []

    init(limits: HeadLimits, hasStartLine: Bool = true) {
        self.limits = limits
        self.hasStartLine = hasStartLine
    }

    /// - Returns: the head, all of `bytes` up to its end; `nil` when more is needed.
    mutating func scan(_ bytes: UnsafeRawBufferPointer) throws(MessageFault) -> MessageHead? {
        while looked < bytes.count {
            guard let end = bytes[looked...].firstIndex(of: Characters.lf) else { break }
            guard end < limits.bytes else { throw .headTooLarge }
            looked = end + 1
            guard end > lineStart, bytes[end - 1] == Characters.cr else { throw .lineEnd }
            let line = lineStart..<end - 1
            lineStart = end + 1
            if hasStartLine, startLine == nil {
                guard !line.isEmpty else { throw .startLine }
                startLine = line
            } else if line.isEmpty {
                return MessageHead(bytes: Array(bytes[..<lineStart]), fields: fields)
            } else {
                guard fields.count < limits.fields else { throw .tooManyFields }
                fields.append(try Self.field(line, bytes))
            }
        }
        looked = bytes.count
        guard bytes.count <= limits.bytes else { throw .headTooLarge }
        return nil
    }

    private static func field(
        _ line: Range<Int>, _ bytes: UnsafeRawBufferPointer
    ) throws(MessageFault) -> MessageHead.Field {
        let first = bytes[line.lowerBound]
        guard first != Characters.space, first != Characters.tab else { throw .fold }
        var colon = line.lowerBound
        while colon < line.upperBound, Characters.isToken(bytes[colon]) { colon += 1 }
        guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == UInt8(ascii: ":") else {
            throw .fieldName
        }
        var (start, end) = (colon + 1, line.upperBound)
        while start < end, isSpace(bytes[start]) { start += 1 }
        while end > start, isSpace(bytes[end - 1]) { end -= 1 }
        for index in start..<end where !Characters.isText(bytes[index]) {
            throw bytes[index] == Characters.cr ? .lineEnd : .fieldValue
        }
        return MessageHead.Field(name: line.lowerBound..<colon, value: start..<end)
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == Characters.space || byte == Characters.tab }
}
