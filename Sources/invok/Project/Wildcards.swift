/// The wildcards of one pattern (gitignore(5)), on bytes: `?` is one byte, as it is for git.
///
/// It keeps all places of the text that the pattern's beginning can reach, so that no pattern takes more than its length
/// times that of the text.
struct Wildcards: Hashable, Sendable {
    private enum Element: Hashable {
        case byte(UInt8)
        case oneOf(Set<UInt8>)
        /// `*`: what has no slash.
        case withinName
        /// `**`: anything.
        case anything
        /// `**/`: any number of folders, none included.
        case folders
        /// What is not well formed matches nothing.
        case nothing
    }

    static let slash = UInt8(ascii: "/")
    private static let backslash = UInt8(ascii: "\\")
    private static let star = UInt8(ascii: "*")
    /// What is not taken for itself in a pattern.
    static let special = Set("*?[\\".utf8)

    private var elements: [Element] = []

    /// - Parameters:
    ///   - pattern: without what makes a line of it: `!`, and slashes at its ends.
    ///   - spansFolders: whether `**` between slashes, or at an end of the pattern, reaches across folders.
    init(_ pattern: ArraySlice<UInt8>, spansFolders: Bool) {
        var rest = pattern
        while let byte = rest.popFirst() {
            switch byte {
            case Self.star:
                let before = rest.startIndex - 1 > pattern.startIndex ? pattern[rest.startIndex - 2] : nil
                addStars(&rest, isAfterSlash: before == nil || before == Self.slash, spansFolders)
            case UInt8(ascii: "?"): elements.append(.oneOf(Set(.min ... .max).subtracting([Self.slash])))
            case UInt8(ascii: "["): elements.append(ByteSet.parse(&rest).map { .oneOf($0) } ?? .nothing)
            case Self.backslash: elements.append(rest.popFirst().map { .byte($0) } ?? .nothing)
            default: elements.append(.byte(byte))
            }
        }
    }

    /// - Parameter rest: what stands behind the first star.
    private mutating func addStars(_ rest: inout ArraySlice<UInt8>, isAfterSlash: Bool, _ spansFolders: Bool) {
        guard rest.first == Self.star else { return elements.append(.withinName) }
        rest = rest.drop { $0 == Self.star }
        let isBeforeSlash = rest.first == Self.slash
        guard spansFolders, isAfterSlash,
            rest.isEmpty || isBeforeSlash || rest.starts(with: [Self.backslash, Self.slash])
        else { return elements.append(.withinName) }
        elements.append(isBeforeSlash ? .folders : .anything)
        if isBeforeSlash { rest.removeFirst() }
    }

    /// Whether the pattern is all of the text.
    func match(_ text: ArraySlice<UInt8>) -> Bool {
        var reached = [Bool](repeating: false, count: text.count + 1)
        reached[0] = true
        for element in elements {
            guard let first = reached.firstIndex(of: true) else { return false }
            reached = Self.step(element, from: reached, first, Array(text))
        }
        return reached[text.count]
    }

    /// The places that are reached behind an element.
    private static func step(_ element: Element, from places: [Bool], _ first: Int, _ text: [UInt8]) -> [Bool] {
        var next = [Bool](repeating: false, count: places.count)
        switch element {
        case .nothing: break
        case .byte(let byte):
            for index in first..<text.count where places[index] { next[index + 1] = text[index] == byte }
        case .oneOf(let set):
            for index in first..<text.count where places[index] { next[index + 1] = set.contains(text[index]) }
        case .withinName:
            next = places
            for index in first..<text.count where next[index] && text[index] != slash { next[index + 1] = true }
        case .anything: for index in first...text.count { next[index] = true }
        case .folders:
            next = places
            for index in first..<text.count where text[index] == slash { next[index + 1] = true }
        }
        return next
    }
}

/// What stands between brackets: `[a-z]`, `[!x]`, `[[:digit:]_]` (POSIX.1-2017 §9.3.5, and `\` for the next byte).
private enum ByteSet {
    /// - Parameter rest: what stands behind the bracket; then what stands behind the closing one.
    /// - Returns: `nil` where it does not end, or names a class that there is not.
    static func parse(_ rest: inout ArraySlice<UInt8>) -> Set<UInt8>? {
        let isNegated = rest.first == UInt8(ascii: "!") || rest.first == UInt8(ascii: "^")
        if isNegated { rest.removeFirst() }
        var set: Set<UInt8> = []
        /// Where a range may begin.
        var start: UInt8?
        var isFirst = true
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "]"), !isFirst {
                let all = isNegated ? Set(.min ... .max).subtracting(set) : set
                return all.subtracting([Wildcards.slash])
            }
            isFirst = false
            if byte == UInt8(ascii: "\\") {
                guard let escaped = rest.popFirst() else { return nil }
                set.insert(escaped)
                start = escaped
            } else if byte == UInt8(ascii: "-"), let from = start, let next = rest.first, next != UInt8(ascii: "]") {
                rest.removeFirst()
                guard let end = next == UInt8(ascii: "\\") ? rest.popFirst() : next else { return nil }
                if from <= end { set.formUnion(from...end) }
                start = nil
            } else if byte == UInt8(ascii: "["), rest.first == UInt8(ascii: ":") {
                guard let end = rest.dropFirst().firstIndex(of: UInt8(ascii: "]")) else { return nil }
                let name = rest[(rest.startIndex + 1)..<end]
                // Without the second colon it is a bracket like any byte.
                guard name.last == UInt8(ascii: ":") else {
                    set.insert(byte)
                    start = byte
                    continue
                }
                guard let members = members(String(decoding: name.dropLast(), as: UTF8.self)) else { return nil }
                set.formUnion(members)
                rest = rest[(end + 1)...]
                start = nil
            } else {
                set.insert(byte)
                start = byte
            }
        }
        return nil
    }

    /// The members of a class in ASCII, whatever the locale.
    private static func members(_ name: String) -> Set<UInt8>? {
        let digits = Set("0123456789".utf8)
        let lower = Set("abcdefghijklmnopqrstuvwxyz".utf8)
        let upper = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        let visible = Set<UInt8>(0x21...0x7E)
        switch name {
        case "alnum": return digits.union(lower).union(upper)
        case "alpha": return lower.union(upper)
        case "blank": return Set(" \t".utf8)
        case "cntrl": return Set(0x00...0x1F).union([0x7F])
        case "digit": return digits
        case "graph": return visible
        case "lower": return lower
        case "print": return visible.union([0x20])
        case "punct": return visible.subtracting(digits).subtracting(lower).subtracting(upper)
        case "space": return Set(" \t\n\r".utf8)
        case "upper": return upper
        case "xdigit": return digits.union("abcdefABCDEF".utf8)
        default: return nil
        }
    }
}
