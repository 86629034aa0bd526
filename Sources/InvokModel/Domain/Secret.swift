/// What a secret is called: `[A-Z][A-Z0-9_]*`, as variables are written.
public struct SecretName: Hashable, Sendable, Comparable, CustomStringConvertible {
    public static let maximumLength = 64
    public let description: String

    /// - Throws: `InvokError` with the code `invalid_name`, saying the rule.
    public init(_ text: some StringProtocol) throws(InvokError) {
        let bytes = text.utf8
        let isName =
            (1...Self.maximumLength).contains(bytes.count)
            && bytes.first.map(Self.isLetter) == true
            && bytes.allSatisfy { byte in
                Self.isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                    || byte == UInt8(ascii: "_")
            }
        guard isName else {
            throw InvokError(
                .invalidName, "'\(text.prefix(80))' is not a secret's name",
                nextStep: "use at most \(Self.maximumLength) of A-Z, 0-9 and _, starting with a letter")
        }
        guard !Environment.isReserved(String(text)) else {
            throw InvokError(
                .invalidName, "Invok sets '\(text)' itself", nextStep: "choose another name for the secret")
        }
        description = String(text)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }

    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}

/// What a secret is: text that nothing prints.
public struct SecretValue: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    public static let maximumBytes = 16 * 1024
    /// Of all that one function runs or is built with.
    public static let maximumTotalBytes = 64 * 1024
    public let text: String

    /// - Throws: `InvokError` with the code `invalid_request` that says the rule.
    public init(_ text: String) throws(InvokError) {
        guard !text.isEmpty else { throw .invalidRequest("the value of the secret is empty") }
        guard text.utf8.count <= Self.maximumBytes else {
            throw .invalidRequest(
                "the value of the secret is \(text.utf8.count) bytes; at most \(Self.maximumBytes) are allowed")
        }
        guard !text.utf8.contains(0) else {
            throw .invalidRequest("the value of the secret has a NUL byte", nextStep: "encode it, as by base64")
        }
        self.text = text
    }

    public var description: String { "(secret)" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Names one secret: of a namespace, for all its functions, or of one function.
public struct SecretKey: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// What has it: never both.
    public enum Purpose: String, Hashable, Sendable, CaseIterable, Codable {
        /// The function's instances.
        case run
        /// Its builds.
        case build
    }

    public let namespace: Namespace
    /// `nil` for all functions of the namespace. One of a function's own goes before one of its namespace.
    public let function: FunctionName?
    public let purpose: Purpose
    public let name: SecretName

    public init(namespace: Namespace, function: FunctionName? = nil, purpose: Purpose = .run, name: SecretName) {
        self.namespace = namespace
        self.function = function
        self.purpose = purpose
        self.name = name
    }

    public var description: String { "\(namespace)/\(function?.description ?? "")/\(purpose.rawValue)/\(name)" }

    private var order: (Namespace, String, String, String) {
        (namespace, function?.description ?? "", purpose.rawValue, name.description)
    }

    public static func < (left: Self, right: Self) -> Bool { left.order < right.order }
}

/// A secret as the store keeps it.
public struct StoredSecret: Hashable, Sendable {
    public let key: SecretKey
    public var value: SealedValue
    public let changedAt: Timestamp

    public init(key: SecretKey, value: SealedValue, changedAt: Timestamp) {
        self.key = key
        self.value = value
        self.changedAt = changedAt
    }
}
