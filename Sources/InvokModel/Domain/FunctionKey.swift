/// The identifier of a user.
public typealias UserID = UUIDValue

/// A user's namespace: it has the user's identifier, and nothing of one is ever reachable from another without a grant.
public typealias Namespace = UUIDValue

/// Names one function of one namespace.
public struct FunctionKey: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    public let namespace: Namespace
    public let name: FunctionName

    public init(namespace: Namespace, name: FunctionName) {
        self.namespace = namespace
        self.name = name
    }

    public var description: String { "\(namespace)/\(name)" }

    public static func < (left: Self, right: Self) -> Bool {
        (left.namespace, left.name) < (right.namespace, right.name)
    }
}

/// Names one version of one function. Numbers start at 1 and are never used again.
public struct VersionKey: Hashable, Sendable, Comparable, CustomStringConvertible, Codable {
    public let function: FunctionKey
    public let number: Int

    public init(function: FunctionKey, number: Int) {
        self.function = function
        self.number = number
    }

    public var description: String { "\(function)@\(number)" }

    public static func < (left: Self, right: Self) -> Bool {
        (left.function, left.number) < (right.function, right.number)
    }
}
