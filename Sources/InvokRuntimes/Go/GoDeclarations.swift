/// What the top level of a Go source file declares, as far as it says what may serve. A scanner of tokens, which needs no
/// file to be right beyond them: what does not compile, the compiler says.
struct GoDeclarations: Hashable, Sendable {
    struct Function: Hashable, Sendable {
        /// What stands between the parentheses, and behind them up to the body.
        let parameters: String
        let results: String
        let isGeneric: Bool
    }

    private(set) var package: String?
    /// Whether a constraint keeps it out of every build, as it does for tools that are run by `go run`.
    private(set) var isIgnored = false
    private(set) var functions: [String: Function] = [:]
    private(set) var variables: Set<String> = []
    /// Types with a method `ServeHTTP`, or whose pointers have it.
    private(set) var servingTypes: Set<String> = []
    /// The name of `func main`, in bytes.
    private(set) var main: Range<Int>?

    init(_ source: [UInt8]) {
        isIgnored = String(decoding: source.prefix(4096), as: UTF8.self).split(whereSeparator: \.isNewline)
            .contains { $0.hasPrefix("//go:build") && $0.split(whereSeparator: \.isWhitespace).contains("ignore") }
        var tokens = GoTokens(source)
        var depth = 0
        while let token = tokens.next() {
            switch token.kind {
            case .opening: depth += 1
            case .closing: depth = max(0, depth - 1)
            case .word where depth == 0: read(token.text, &tokens)
            default: break
            }
        }
    }

    private mutating func read(_ keyword: String, _ tokens: inout GoTokens) {
        switch keyword {
        case "package": package = tokens.nextWord() ?? package
        case "func": readFunction(&tokens)
        case "var": readVariables(&tokens)
        default: break
        }
    }

    private mutating func readFunction(_ tokens: inout GoTokens) {
        let receiver = tokens.takesGroup(UInt8(ascii: "("))
        let start = tokens.peek()?.range
        guard let name = tokens.nextWord() else { return }
        let isGeneric = tokens.takesGroup(UInt8(ascii: "[")) != nil
        guard let parameters = tokens.takesGroup(UInt8(ascii: "(")) else { return }
        if let receiver {
            // `(h *Handler)`, `(Handler)`: the last word is the type's.
            if name == "ServeHTTP",
                let type = receiver.split(whereSeparator: { !$0.isLetter && !$0.isNumber && $0 != "_" }).last
            {
                servingTypes.insert(String(type))
            }
            return
        }
        functions[name] = Function(parameters: parameters, results: tokens.restOfLine(), isGeneric: isGeneric)
        if name == "main" { main = start }
    }

    private mutating func readVariables(_ tokens: inout GoTokens) {
        guard tokens.peek()?.kind == .opening else { return readNames(&tokens) }
        _ = tokens.next()
        var depth = 1
        var isAtStart = true
        while depth > 0, let token = tokens.peek() {
            if isAtStart, depth == 1, token.kind == .word {
                readNames(&tokens)
                isAtStart = false
                continue
            }
            isAtStart = token.kind == .newline
            if token.kind == .opening { depth += 1 }
            if token.kind == .closing { depth -= 1 }
            _ = tokens.next()
        }
    }

    private mutating func readNames(_ tokens: inout GoTokens) {
        while let name = tokens.nextWord() {
            variables.insert(name)
            guard tokens.peek()?.text == "," else { return }
            _ = tokens.next()
        }
    }
}

/// The tokens of Go that matter here (https://go.dev/ref/spec#Tokens): words, brackets, ends of lines, and single other
/// characters. Comments, strings and runes are passed over.
struct GoTokens {
    enum Kind: Hashable { case word, opening, closing, newline, other }

    struct Token: Hashable {
        let kind: Kind
        let text: String
        let range: Range<Int>
    }

    private let source: [UInt8]
    private var position = 0

    init(_ source: [UInt8]) { self.source = source }

    mutating func next() -> Token? {
        skip()
        guard position < source.count else { return nil }
        let start = position
        let byte = source[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\n"): return token(.newline, start)
        case UInt8(ascii: "("), UInt8(ascii: "["), UInt8(ascii: "{"): return token(.opening, start)
        case UInt8(ascii: ")"), UInt8(ascii: "]"), UInt8(ascii: "}"): return token(.closing, start)
        case _ where Self.isLetter(byte):
            while position < source.count, Self.isLetter(source[position]) { position += 1 }
            return token(.word, start)
        default: return token(.other, start)
        }
    }

    func peek() -> Token? {
        var copy = self
        return copy.next()
    }

    /// The next token, where that is a word.
    mutating func nextWord() -> String? {
        guard let token = peek(), token.kind == .word else { return nil }
        position = token.range.upperBound
        return token.text
    }

    /// What stands in the brackets that open next; `nil` where none of this kind does.
    mutating func takesGroup(_ bracket: UInt8) -> String? {
        guard let opening = peek(), opening.kind == .opening, source[opening.range.lowerBound] == bracket else {
            return nil
        }
        var depth = 0
        while let token = next() {
            if token.kind == .opening { depth += 1 }
            if token.kind == .closing { depth -= 1 }
            if depth == 0 {
                return text(opening.range.upperBound..<token.range.lowerBound)
            }
        }
        return nil
    }

    /// What stands up to the next body or the end of the line, which are not taken.
    mutating func restOfLine() -> String {
        let start = position
        var end = position
        while let token = peek(), token.kind != .newline, token.text != "{" {
            position = token.range.upperBound
            end = position
        }
        return text(start..<end)
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: source[range], as: UTF8.self) }

    private func token(_ kind: Kind, _ start: Int) -> Token {
        Token(kind: kind, text: text(start..<position), range: start..<position)
    }

    /// Passes over spaces, comments and what is quoted.
    private mutating func skip() {
        while position < source.count {
            switch source[position] {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): position += 1
            // A byte-order mark.
            case 0xEF where source[position...].starts(with: [0xEF, 0xBB, 0xBF]): position += 3
            case UInt8(ascii: "/") where source[position...].starts(with: "//".utf8):
                while position < source.count, source[position] != UInt8(ascii: "\n") { position += 1 }
            case UInt8(ascii: "/") where source[position...].starts(with: "/*".utf8):
                position += 2
                while position < source.count, !source[position...].starts(with: "*/".utf8) { position += 1 }
                position = min(position + 2, source.count)
            case UInt8(ascii: "`"): skipQuoted(by: UInt8(ascii: "`"), escapes: false)
            case UInt8(ascii: "\""): skipQuoted(by: UInt8(ascii: "\""), escapes: true)
            case UInt8(ascii: "'"): skipQuoted(by: UInt8(ascii: "'"), escapes: true)
            default: return
            }
        }
    }

    private mutating func skipQuoted(by quote: UInt8, escapes: Bool) {
        position += 1
        while position < source.count, source[position] != quote {
            // What is not closed on its line does not compile.
            if escapes, source[position] == UInt8(ascii: "\n") { return }
            position += escapes && source[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        position = min(position + 1, source.count)
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), 0x80...:
            true
        default: false
        }
    }
}
