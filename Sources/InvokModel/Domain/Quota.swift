/// A resource quota (ASVS 15.2.2): what one user may hold at a time, and how often it may ask.
///
/// Operators set the standard by configuration, and something else for single users in the store. What is stored counts
/// once for an installation; instances and rates count for each core by itself.
public struct Quota: Hashable, Sendable {
    /// What is counted. Raw values are what operators, the store and error messages call it.
    public enum Name: String, Hashable, Sendable, CaseIterable, Codable, Comparable {
        /// Functions of one's namespace.
        case functions
        /// Of one's namespace and of its functions.
        case secrets
        /// Ready versions of each function that are kept besides the active one.
        case versions
        /// Archives and bundles of all versions, in megabytes (2^20 bytes).
        case storageMB
        /// Instances that run at a time, on each core.
        case instances
        /// The memory of these, in megabytes.
        case memoryMB
        /// Their processor time, in cores.
        case cpus
        case builds
        case uploads
        /// Deploys that are begun, also those that fail.
        case deploysPerHour
        /// Requests to all functions, on each core.
        case invocationsPerSecond

        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

        /// What holds without any setting.
        public var standard: Int {
            switch self {
            case .functions, .secrets: 100
            case .versions: 10
            case .storageMB: 5120
            case .instances: 50
            case .memoryMB: 8192
            case .cpus: 50
            case .builds: 2
            case .uploads: 2
            case .deploysPerHour: 600
            case .invocationsPerSecond: 1000
            }
        }

        /// What it is, for people.
        public var summary: String {
            switch self {
            case .functions: "functions"
            case .secrets: "secrets of the namespace and its functions"
            case .versions: "versions kept of each function besides the active one"
            case .storageMB: "MB of archives and bundles"
            case .instances: "instances at a time"
            case .memoryMB: "MB of memory of these"
            case .cpus: "cores of these"
            case .builds: "builds at a time"
            case .uploads: "uploads at a time"
            case .deploysPerHour: "deploys an hour"
            case .invocationsPerSecond: "requests a second"
            }
        }
    }

    /// What differs from the standard.
    public typealias Overrides = [Name: Int]

    /// The value that binds nobody; in text `unlimited`.
    public static let unlimited = Int.max

    private let overrides: Overrides

    /// - Parameter overrides: what differs from the standard; values are at least 0.
    public init(_ overrides: Overrides = [:]) { self.overrides = overrides }

    public subscript(name: Name) -> Int { overrides[name] ?? name.standard }

    /// This quota with some of its values replaced.
    public func replacing(_ others: Overrides) -> Quota { Quota(overrides.merging(others) { $1 }) }

    /// Binds nobody, but for the versions that are kept: these are not held, but left over.
    public var freed: Quota {
        let free = Name.allCases.filter { $0 != .versions }.map { ($0, Self.unlimited) }
        return replacing(Dictionary(uniqueKeysWithValues: free))
    }

    /// The quota in bytes of what is counted in megabytes.
    public func bytes(_ name: Name) -> Int {
        let (bytes, isTooMuch) = self[name].multipliedReportingOverflow(by: 1 << 20)
        return isTooMuch ? Self.unlimited : bytes
    }
}

extension Quota {
    /// Reads values as operators write them: `functions=20 memoryMB=unlimited`, separated by spaces or commas.
    /// - Parameter reset: what stands for "as the standard has it"; it gives `nil`.
    /// - Throws: `InvokError` with the code `invalid_request` that names the word and what is possible.
    public static func parse(_ text: String, reset: String? = nil) throws(InvokError) -> [Name: Int?] {
        var values: [Name: Int?] = [:]
        for word in text.split(whereSeparator: { $0 == " " || $0 == "," }) {
            let parts = word.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2 else {
                throw .invalidRequest("'\(word.prefix(80))' is not NAME=VALUE", nextStep: "write it as functions=20")
            }
            guard let name = Name(rawValue: String(parts[0])) else {
                let known = Name.allCases.map(\.rawValue).joined(separator: ", ")
                throw .invalidRequest("there is no quota '\(parts[0].prefix(80))'", nextStep: "use one of \(known)")
            }
            guard !values.keys.contains(name) else {
                throw .invalidRequest("the quota '\(name.rawValue)' is given twice", nextStep: "keep one of them")
            }
            values.updateValue(try value(String(parts[1]), of: name, reset: reset), forKey: name)
        }
        return values
    }

    private static func value(_ text: String, of name: Name, reset: String?) throws(InvokError) -> Int? {
        if text == "unlimited" { return unlimited }
        if let reset, text == reset { return nil }
        // Without signs, which Int would take.
        guard let value = Int(text), value >= 0, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            let words = ["'unlimited'"] + (reset.map { ["'\($0)'"] } ?? [])
            throw .invalidRequest(
                "the quota '\(name.rawValue)' is '\(text.prefix(80))'",
                nextStep: "use a whole number from 0, or \(words.joined(separator: " or "))")
        }
        return value
    }

    /// A value as `parse` reads it.
    public static func text(_ value: Int) -> String { value == unlimited ? "unlimited" : "\(value)" }
}

extension Quota {
    /// What a change would pass. One that adds nothing passes nothing, also where more is held than a lowered quota.
    public func excess(from before: StoredUsage, to after: StoredUsage) -> QuotaExcess? {
        if after.functions > max(before.functions, self[.functions]) {
            return QuotaExcess(.functions, value: self[.functions], used: before.functions)
        }
        if after.secrets > max(before.secrets, self[.secrets]) {
            return QuotaExcess(.secrets, value: self[.secrets], used: before.secrets)
        }
        if after.bytes > max(before.bytes, bytes(.storageMB)) {
            return QuotaExcess(.storageMB, value: self[.storageMB], used: before.bytes.megabytes)
        }
        return nil
    }
}

extension Int {
    /// Bytes as megabytes (2^20), rounded up.
    fileprivate var megabytes: Int { self >> 20 + (self & 0xF_FFFF == 0 ? 0 : 1) }
}

/// What a namespace holds of what is stored, each thing once, however many versions share it.
public struct StoredUsage: Hashable, Sendable {
    public var functions: Int
    /// Of archives and bundles.
    public var bytes: Int
    public var secrets: Int

    public init(functions: Int = 0, bytes: Int = 0, secrets: Int = 0) {
        self.functions = functions
        self.bytes = bytes
        self.secrets = secrets
    }
}

/// A quota that something would have passed.
public struct QuotaExcess: Hashable, Sendable {
    public let name: Quota.Name
    /// The quota's value.
    public let value: Int
    /// What was used already, in the quota's unit.
    public let used: Int

    public init(_ name: Quota.Name, value: Int, used: Int) {
        self.name = name
        self.value = value
        self.used = used
    }
}
