#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Which lines of a log are wanted: all conditions hold, and the pattern is found.
public struct LogFilter: Hashable, Sendable {
    /// The most conditions that one filter may have.
    public static let maximumConditions = 16

    public static let all = LogFilter()

    public var conditions: [LogCondition]
    public var pattern: TextPattern?

    public init(conditions: [LogCondition] = [], pattern: TextPattern? = nil) {
        self.conditions = conditions
        self.pattern = pattern
    }

    public func matches(_ line: LogLine) -> Bool {
        if let pattern, !pattern.isFound(in: line.text) { return false }
        guard !conditions.isEmpty else { return true }
        return Evaluation.holds(conditions, in: line.text)
    }
}

/// What a line of JSON says, as `level=error` or `http.status=500`.
public struct LogCondition: Hashable, Sendable, CustomStringConvertible {
    private static let maximumBytes = 512

    /// What stands before the `=`: names with dots between them, of objects in objects, or with dots of their own.
    public let key: String
    public let value: String

    /// - Throws: `invalid_request` for what has no `=`, no name, or is too long.
    public init(_ text: String) throws(InvokError) {
        guard let equals = text.firstIndex(of: "="), equals > text.startIndex, text.utf8.count <= Self.maximumBytes
        else {
            throw .invalidRequest(
                "'\(text.prefix(120))' is no condition", nextStep: "write it as level=error or http.status=500")
        }
        key = String(text[..<equals])
        value = String(text[text.index(after: equals)...])
    }

    public var description: String { "\(key)=\(value)" }

    fileprivate func holds(in object: Object) -> Bool {
        Self.holds(key.split(separator: ".", omittingEmptySubsequences: false)[...], value, object)
    }

    /// Takes as many names as one as there are, since many a program writes `log.level` as one name.
    private static func holds(_ names: ArraySlice<Substring>, _ value: String, _ object: Object) -> Bool {
        names.indices.reversed().contains { last in
            let key = AnyKey(stringValue: names[...last].joined(separator: "."))
            guard object.contains(key) else { return false }
            if last + 1 == names.endIndex { return has(value, at: key, object) }
            guard let inner = try? object.nestedContainer(keyedBy: AnyKey.self, forKey: key) else { return false }
            return holds(names[(last + 1)...], value, inner)
        }
    }

    /// Whether a name says this text, number or truth, or has a list with it.
    private static func has(_ value: String, at key: AnyKey, _ object: Object) -> Bool {
        if let scalar = try? object.decode(Scalar.self, forKey: key) { return scalar.says(value) }
        // Nothing decodes from null.
        if (try? object.decodeNil(forKey: key)) == true { return value == "null" }
        let list = try? object.decode([Scalar].self, forKey: key)
        return list?.contains { $0.says(value) } ?? false
    }
}

private typealias Object = KeyedDecodingContainer<AnyKey>

/// A value of JSON that holds no others.
private enum Scalar: Decodable {
    case null
    case text(String)
    case truth(Bool)
    case number(Double)

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let truth = try? value.decode(Bool.self) {
            self = .truth(truth)
        } else {
            self = .number(try value.decode(Double.self))
        }
    }

    func says(_ value: String) -> Bool {
        switch self {
        case .null: value == "null"
        case .text(let text): text == value
        case .truth(let truth): value == (truth ? "true" : "false")
        case .number(let number): Double(value) == number
        }
    }
}

/// Looks into a line where something is asked for, and only there.
private struct Evaluation: Decodable {
    private static let key = CodingUserInfoKey(rawValue: "conditions")

    private let holds: Bool

    init(from decoder: any Decoder) throws {
        let object = try decoder.container(keyedBy: AnyKey.self)
        let conditions = Self.key.flatMap { decoder.userInfo[$0] as? [LogCondition] } ?? []
        holds = conditions.allSatisfy { $0.holds(in: object) }
    }

    /// - Returns: false for a line that is no JSON object.
    static func holds(_ conditions: [LogCondition], in text: String) -> Bool {
        let first = text.utf8.first { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }
        guard first == UInt8(ascii: "{"), let key else { return false }
        let decoder = JSONDecoder()
        decoder.userInfo[key] = conditions
        return (try? decoder.decode(Evaluation.self, from: Data(text.utf8)).holds) ?? false
    }
}

private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}
