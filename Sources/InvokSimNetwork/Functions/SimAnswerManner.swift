import InvokSim

/// How a function's server says its answer: what HTTP leaves to it, drawn for each.
///
/// A caller may ask for more in the field `x-sim-manner`, a list of these:
///
/// | word | effect |
/// | --- | --- |
/// | `status-CODE` | another status, such as 304, which has no body |
/// | `until-end` | only the end of the connection ends the answer |
/// | `break-COUNT` | the connection is reset after so many bytes of the body |
/// | `close` | the connection ends behind the answer |
/// | `read-all` | the answer begins once the request has been read |
struct SimAnswerManner {
    enum Framing: Hashable {
        /// As the function has said, or in chunks.
        case declared
        case chunked
        case untilEnd
    }

    var framing = Framing.declared
    var status: Int?
    /// Interim answers before it.
    var interim = 0
    var hasTrailers = false
    /// How many bytes are written at a time, at most.
    var pieceBytes = Int.max
    /// What comes between two pieces, now and then.
    var pause = Duration.zero
    /// Fields that concern the connection or that no function may say.
    var saysTooMuch = false
    var closes = false
    var isBrokenAfter: Int?
    var readsAll = false
    /// Whether the rest of a request that the function did not want is read.
    var drains = true

    static func draw(_ random: inout SimGenerator) -> SimAnswerManner {
        var manner = SimAnswerManner()
        if random.below(3) == 0 { manner.framing = .chunked }
        if random.below(12) == 0 { manner.interim = 1 + random.below(2) }
        manner.hasTrailers = random.below(4) == 0
        if random.below(3) == 0 { manner.pieceBytes = 1 + random.below([5, 300, 20_000][random.below(3)]) }
        if random.below(16) == 0 { manner.pause = .milliseconds(1 + random.below(30)) }
        manner.saysTooMuch = random.below(4) == 0
        manner.closes = random.below(12) == 0
        manner.drains = random.below(3) > 0
        return manner
    }

    mutating func apply(_ words: String) {
        for word in words.split(separator: ",") {
            let parts = word.split(separator: "-", maxSplits: 1)
            switch (word, parts.first, parts.count > 1 ? Int(parts[1]) : nil) {
            case ("until-end", _, _): framing = .untilEnd
            case ("close", _, _): closes = true
            case ("read-all", _, _): readsAll = true
            case (_, "status", let code?): status = code
            case (_, "break", let count?): isBrokenAfter = count
            default: break
            }
        }
    }
}
