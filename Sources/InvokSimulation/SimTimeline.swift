import Invok

/// What a value was, and when.
struct SimTimeline<Value: Equatable & Sendable>: Sendable {
    private struct Span {
        let value: Value
        let since: Instant
        var until: Instant?
    }

    private var spans: [Span]

    init(_ value: Value) { spans = [Span(value: value, since: Instant(nanoseconds: 0))] }

    /// What it is now.
    var last: Value { spans[spans.count - 1].value }

    /// The value is another one from now on; nothing happens if it is not.
    /// - Returns: whether it is.
    @discardableResult
    mutating func set(_ value: Value, at now: Instant) -> Bool {
        guard spans[spans.count - 1].value != value else { return false }
        spans[spans.count - 1].until = now
        spans.append(Span(value: value, since: now))
        return true
    }

    /// Whether the value was of this kind at any time from `begin` until now.
    /// - Parameter begin: `nil` for ever since.
    func held(since begin: Instant?, _ isWanted: (Value) -> Bool) -> Bool {
        spans.contains { span in
            guard isWanted(span.value) else { return false }
            guard let begin, let until = span.until else { return true }
            return until >= begin
        }
    }
}
