/// A regular expression, extended as of POSIX.1-2017 §9.4 but for counts: `.` `[a-z]` `[^x]` `*` `+` `?` `|` `(…)` `^` `$`,
/// and the escapes `\d` `\w` `\s`. It is searched in time that grows with the text, whoever wrote it
/// (K. Thompson, "Regular Expression Search Algorithm", 1968).
public struct TextPattern: Hashable, Sendable {
    /// The most that a pattern may have, in characters: each costs time at each character of a text.
    public static let maximumCharacters = 128

    public let source: String
    private let steps: [Step]

    /// What one place in the pattern wants next. Numbers are places.
    fileprivate enum Step: Hashable, Sendable {
        case scalar(ScalarSet)
        case atStart
        case atEnd
        case either(Int, Int)
        case jump(Int)
        case found
    }

    /// - Throws: `invalid_request` that says what is wrong with it.
    public init(_ source: String) throws(InvokError) {
        guard !source.isEmpty, source.unicodeScalars.count <= Self.maximumCharacters else {
            throw .invalidRequest("a pattern has 1 to \(Self.maximumCharacters) characters")
        }
        var parser = Parser(source)
        steps = try parser.parse()
        self.source = source
    }

    /// Whether it matches anywhere in the text.
    public func isFound(in text: String) -> Bool {
        var places = Places(count: steps.count)
        var next = Places(count: steps.count)
        var isStart = true
        for scalar in text.unicodeScalars {
            // A match may begin at each character.
            if follow(0, into: &places, isStart: isStart, isEnd: false) { return true }
            isStart = false
            for place in places.list {
                guard case .scalar(let set) = steps[place], set.contains(scalar) else { continue }
                if follow(place + 1, into: &next, isStart: false, isEnd: false) { return true }
            }
            swap(&places, &next)
            next.clear()
        }
        // What was waiting for the end has been passed over before.
        let waiting = places.list
        places.clear()
        return (waiting + [0]).contains { follow($0, into: &places, isStart: isStart, isEnd: true) }
    }

    /// Adds a place and those that are reached from it without a character.
    /// - Returns: whether the pattern is found.
    private func follow(_ place: Int, into places: inout Places, isStart: Bool, isEnd: Bool) -> Bool {
        guard places.insert(place) else { return false }
        switch steps[place] {
        case .found: return true
        case .scalar: return false
        case .jump(let target): return follow(target, into: &places, isStart: isStart, isEnd: isEnd)
        case .either(let one, let other):
            return follow(one, into: &places, isStart: isStart, isEnd: isEnd)
                || follow(other, into: &places, isStart: isStart, isEnd: isEnd)
        case .atStart: return isStart && follow(place + 1, into: &places, isStart: isStart, isEnd: isEnd)
        case .atEnd: return isEnd && follow(place + 1, into: &places, isStart: isStart, isEnd: isEnd)
        }
    }

    /// The places that are reached, each once.
    private struct Places {
        private(set) var list: [Int] = []
        private var isThere: [Bool]

        init(count: Int) { isThere = [Bool](repeating: false, count: count) }

        mutating func insert(_ place: Int) -> Bool {
            guard !isThere[place] else { return false }
            isThere[place] = true
            list.append(place)
            return true
        }

        mutating func clear() {
            for place in list { isThere[place] = false }
            list.removeAll(keepingCapacity: true)
        }
    }

    // MARK: Reading a pattern

    private struct Parser {
        private var rest: ArraySlice<Unicode.Scalar>
        private var steps: [Step] = []

        init(_ source: String) { rest = Array(source.unicodeScalars)[...] }

        mutating func parse() throws(InvokError) -> [Step] {
            try alternatives()
            guard rest.isEmpty else { throw .invalidRequest("the pattern closes a group that it has not opened") }
            return steps + [.found]
        }

        /// `a|b|c`
        private mutating func alternatives() throws(InvokError) {
            let start = steps.count
            try sequence()
            guard rest.first == "|" else { return }
            rest.removeFirst()
            insert(.either(start + 1, steps.count + 2), at: start)
            let jump = steps.count
            steps.append(.jump(0))
            try alternatives()
            steps[jump] = .jump(steps.count)
        }

        private mutating func sequence() throws(InvokError) {
            while let scalar = rest.first, scalar != "|", scalar != ")" {
                let start = steps.count
                try atom()
                while let count = rest.first, "*+?".unicodeScalars.contains(count) {
                    rest.removeFirst()
                    repeated(from: start, count)
                }
            }
        }

        private mutating func atom() throws(InvokError) {
            let scalar = rest.removeFirst()
            switch scalar {
            case "(":
                try alternatives()
                guard rest.popFirst() == ")" else { throw .invalidRequest("the pattern has a '(' without its ')'") }
            case "[": steps.append(.scalar(try bracket()))
            case ".": steps.append(.scalar(ScalarSet(isNegated: true)))
            case "^": steps.append(.atStart)
            case "$": steps.append(.atEnd)
            case "*", "+", "?": throw .invalidRequest("the pattern has a '\(scalar)' with nothing before it")
            case "\\": steps.append(.scalar(try escape()))
            default: steps.append(.scalar(ScalarSet(scalar)))
            }
        }

        private mutating func repeated(from start: Int, _ count: Unicode.Scalar) {
            switch count {
            case "+": steps.append(.either(start, steps.count + 1))
            case "?": insert(.either(start + 1, steps.count + 1), at: start)
            default:
                insert(.either(start + 1, steps.count + 2), at: start)
                steps.append(.jump(start))
            }
        }

        private mutating func escape() throws(InvokError) -> ScalarSet {
            guard let scalar = rest.popFirst() else { throw .invalidRequest("the pattern ends with a '\\'") }
            switch scalar {
            case "d": return ScalarSet(["0"..."9"])
            case "w": return ScalarSet(["a"..."z", "A"..."Z", "0"..."9", "_"..."_"])
            case "s": return ScalarSet(["\t"..."\r", " "..." "])
            case "t": return ScalarSet("\t")
            default:
                guard !scalar.properties.isAlphabetic else {
                    throw .invalidRequest("the pattern has '\\\(scalar)', which means nothing here")
                }
                return ScalarSet(scalar)
            }
        }

        private mutating func bracket() throws(InvokError) -> ScalarSet {
            var set = ScalarSet(isNegated: rest.first == "^")
            if set.isNegated { rest.removeFirst() }
            var isFirst = true
            while let scalar = rest.popFirst() {
                if scalar == "]", !isFirst { return set }
                isFirst = false
                if scalar == "\\" {
                    set.ranges += try escape().ranges
                } else if rest.first == "-", let end = rest.dropFirst().first, end != "]" {
                    guard scalar <= end else { throw .invalidRequest("the pattern has a range from back to front") }
                    rest.removeFirst(2)
                    set.ranges.append(scalar...end)
                } else {
                    set.ranges.append(scalar...scalar)
                }
            }
            throw .invalidRequest("the pattern has a '[' without its ']'")
        }

        /// Puts a step before others; what they name moves with them.
        private mutating func insert(_ step: Step, at place: Int) {
            for index in place..<steps.count {
                switch steps[index] {
                case .jump(let target): steps[index] = .jump(target + 1)
                case .either(let one, let other): steps[index] = .either(one + 1, other + 1)
                default: break
                }
            }
            steps.insert(step, at: place)
        }
    }
}

private struct ScalarSet: Hashable, Sendable {
    var ranges: [ClosedRange<Unicode.Scalar>] = []
    var isNegated = false

    init(_ ranges: [ClosedRange<Unicode.Scalar>]) { self.ranges = ranges }
    init(_ scalar: Unicode.Scalar) { ranges = [scalar...scalar] }
    init(isNegated: Bool) { self.isNegated = isNegated }

    func contains(_ scalar: Unicode.Scalar) -> Bool { ranges.contains { $0.contains(scalar) } != isNegated }
}
