#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The `limits` of a `config.json`; what is missing takes its standard value.
public struct LimitsConfig: Hashable, Sendable, Codable {
    public var memoryMB: Int?
    public var cpus: Double?
    public var timeoutSeconds: Int?
    public var pauseSeconds: Int?
    public var streamSeconds: Int?
    public var concurrency: Int?
    public var minInstances: Int?
    public var maxInstances: Int?
    public var idleSeconds: Int?
    public var startSeconds: Int?
    public var ratePerCaller: Int?

    enum CodingKeys: String, CodingKey, CaseIterable {
        case memoryMB, cpus, timeoutSeconds, pauseSeconds, streamSeconds, concurrency, minInstances, maxInstances
        case idleSeconds, startSeconds, ratePerCaller
    }

    public init() {}

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        memoryMB = try container.decodeWholeIfPresent(.memoryMB)
        cpus = try container.decodeIfPresent(Double.self, forKey: .cpus)
        timeoutSeconds = try container.decodeWholeIfPresent(.timeoutSeconds)
        pauseSeconds = try container.decodeWholeIfPresent(.pauseSeconds)
        streamSeconds = try container.decodeWholeIfPresent(.streamSeconds)
        concurrency = try container.decodeWholeIfPresent(.concurrency)
        minInstances = try container.decodeWholeIfPresent(.minInstances)
        maxInstances = try container.decodeWholeIfPresent(.maxInstances)
        idleSeconds = try container.decodeWholeIfPresent(.idleSeconds)
        startSeconds = try container.decodeWholeIfPresent(.startSeconds)
        ratePerCaller = try container.decodeWholeIfPresent(.ratePerCaller)
    }
}

extension KeyedDecodingContainer {
    /// Asked for an `Int`, the JSON decoder calls 64.5 corrupt without naming the field.
    fileprivate func decodeWholeIfPresent(_ key: Key) throws -> Int? {
        guard let number = try decodeIfPresent(Double.self, forKey: key) else { return nil }
        guard let whole = Int(exactly: number) else {
            throw DecodingError.typeMismatch(
                Int.self, .init(codingPath: codingPath + [key], debugDescription: "\(number) is not a whole number"))
        }
        return whole
    }
}

/// A function's `config.json`, checked.
public struct FunctionConfig: Hashable, Sendable {
    public static let fileName = "config.json"
    package static let maximumBytes = 64 * 1024

    public let name: FunctionName
    public let runtime: Runtime
    public let environment: Environment
    /// `nil` where the file does not say: a new function gets the core's default and an old one keeps what it has.
    public let access: Access?
    public let limits: Limits
    /// The origins whose pages may call it though it is private; empty for none.
    public let cors: [String]
    static let maximumOrigins = 20
    /// Where the function is, unless in the file that its runtime looks for.
    public let entry: EntryPoint?
    public let mount: Mount
    /// What it runs with besides, by name; empty for nothing.
    public let secrets: [SecretReference]
    public let egress: Egress
    /// The same file without `env`, which the archive and the bundle that are kept have in its place: secrets are kept
    /// sealed and nowhere else. `nil` where the file has no `env`.
    package let withoutEnvironment: [UInt8]?

    /// Reads a `config.json`.
    /// - Parameter bytes: the file's content, JSON (RFC 8259) in UTF-8, perhaps behind a byte-order mark.
    /// - Throws: `InvokError` with the code `invalid_config`, `invalid_name` or `unknown_runtime` that names the field.
    public init(json bytes: [UInt8]) throws(InvokError) {
        guard bytes.count <= Self.maximumBytes else {
            throw .invalidConfig("config.json is larger than \(Self.maximumBytes) bytes")
        }
        guard !ByteOrderMark.isUTF16(bytes) else {
            throw .invalidConfig(
                "config.json is UTF-16 text, as some editors and PowerShell's '>' write; save it as UTF-8")
        }
        let document: Document
        do {
            document = try JSONDecoder().decode(Document.self, from: Data(ByteOrderMark.dropped(from: bytes)))
        } catch {
            throw Self.explain(error)
        }
        name = try FunctionName(document.function_name)
        guard let runtime = Runtime(rawValue: document.runtime) else { throw .unknownRuntime(document.runtime) }
        self.runtime = runtime
        environment = try Environment(document.env ?? [:])
        if let text = document.access {
            guard let access = Access(rawValue: text) else {
                throw .invalidConfig("access is '\(text.prefix(80))', but must be 'private' or 'public'")
            }
            self.access = access
        } else {
            access = nil
        }
        limits = try Limits(document.limits ?? LimitsConfig())
        cors = try Self.origins(document.cors ?? [])
        entry = try document.entry.map { (text) throws(InvokError) in try EntryPoint(text) }
        mount = try document.mount.map { (text) throws(InvokError) in try Self.mount(text) } ?? .standard
        secrets = document.secrets ?? []
        try SecretReference.check(secrets, beside: environment)
        egress = document.egress ?? .nothing
        withoutEnvironment = document.env == nil ? nil : document.withoutEnvironment
    }

    private static func mount(_ text: String) throws(InvokError) -> Mount {
        guard let mount = Mount.choices.first(where: { $0.rawValue == text }) else {
            throw .invalidConfig("mount is '\(text.prefix(80))', but must be 'root' or 'name'")
        }
        return mount
    }

    private static func origins(_ given: [String]) throws(InvokError) -> [String] {
        guard given.count <= maximumOrigins else {
            throw .invalidConfig("cors has \(given.count) origins; at most \(maximumOrigins) are allowed")
        }
        for origin in given where !isOrigin(origin) {
            throw .invalidConfig("cors has '\(origin.prefix(80))', but must be origins like https://page.example")
        }
        return given.map { $0.lowercased() }
    }

    /// A scheme, a host and perhaps a port, as browsers name where a page comes from (RFC 6454 §6.2).
    private static func isOrigin(_ text: String) -> Bool {
        guard let scheme = ["https://", "http://"].first(where: { text.lowercased().hasPrefix($0) }) else {
            return false
        }
        let host = text.utf8.dropFirst(scheme.utf8.count)
        return (1...300).contains(host.count)
            && host.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "-._:[]".utf8.contains(byte)
                }
            }
    }

    /// The file as it is written. Its names are the contract's.
    private struct Document: Codable {
        var function_name: String
        var runtime: String
        var env: [String: String]?
        var access: String?
        var limits: LimitsConfig?
        var cors: [String]?
        var entry: String?
        var mount: String?
        var secrets: [SecretReference]?
        var egress: Egress?

        enum CodingKeys: String, CodingKey, CaseIterable {
            case function_name, runtime, env, access, limits, cors, entry, mount, egress, secrets
        }

        var withoutEnvironment: [UInt8] {
            var copy = self
            copy.env = nil
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            guard let json = try? encoder.encode(copy) else { preconditionFailure("what was decoded can be encoded") }
            return Array(json) + [UInt8(ascii: "\n")]
        }

        init(from decoder: any Decoder) throws {
            try refuseUnknownKeys(in: decoder.container(keyedBy: ConfigKey.self), known: CodingKeys.self, prefix: "")
            let container = try decoder.container(keyedBy: CodingKeys.self)
            function_name = try container.decode(String.self, forKey: .function_name)
            runtime = try container.decode(String.self, forKey: .runtime)
            env = try container.decodeIfPresent([String: String].self, forKey: .env)
            access = try container.decodeIfPresent(String.self, forKey: .access)
            limits = try container.decodeIfPresent(LimitsConfig.self, forKey: .limits)
            cors = try container.decodeIfPresent([String].self, forKey: .cors)
            entry = try container.decodeIfPresent(String.self, forKey: .entry)
            mount = try container.decodeIfPresent(String.self, forKey: .mount)
            secrets = try container.decodeIfPresent([SecretReference].self, forKey: .secrets)
            egress = try container.decodeIfPresent(Egress.self, forKey: .egress)
            if limits != nil {
                try refuseUnknownKeys(
                    in: container.nestedContainer(keyedBy: ConfigKey.self, forKey: .limits),
                    known: LimitsConfig.CodingKeys.self,
                    prefix: "limits.")
            }
        }
    }

    private static func explain(_ error: any Error) -> InvokError {
        if let error = error as? InvokError { return error }
        guard let error = error as? DecodingError else { return .invalidConfig("config.json is not JSON") }
        switch error {
        case .keyNotFound(let key, _): return .invalidConfig("config.json lacks '\(key.stringValue)'")
        case .typeMismatch(let type, let context):
            return .invalidConfig("'\(path(context))' in config.json must be \(noun(type))")
        case .valueNotFound(let type, let context):
            return .invalidConfig("'\(path(context))' in config.json is null, but must be \(noun(type))")
        case .dataCorrupted(let context) where context.codingPath.isEmpty:
            return .invalidConfig("config.json is not JSON")
        case .dataCorrupted(let context):
            return .invalidConfig("'\(path(context))' in config.json: \(context.debugDescription)")
        @unknown default: return .invalidConfig("config.json is not as expected")
        }
    }

    private static func path(_ context: DecodingError.Context) -> String {
        context.codingPath.isEmpty
            ? "the document" : context.codingPath.map { String($0.stringValue.prefix(80)) }.joined(separator: ".")
    }

    private static func noun(_ type: Any.Type) -> String {
        switch type {
        case is String.Type: "text"
        case is Int.Type: "a whole number"
        case is Double.Type: "a number"
        case is [Any].Type, is [String].Type, is [SecretReference].Type: "a list"
        default: "an object"
        }
    }
}

struct ConfigKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// A misspelt key would otherwise be a setting silently lost.
func refuseUnknownKeys<Known: CodingKey & CaseIterable>(
    in container: KeyedDecodingContainer<ConfigKey>, known: Known.Type, prefix: String
) throws {
    let names = Known.allCases.map(\.stringValue)
    for key in container.allKeys.map(\.stringValue).sorted() where !names.contains(key) {
        throw InvokError.invalidConfig(
            "config.json has the unknown key '\(prefix)\(key.prefix(80))'; known are \(names.joined(separator: ", "))")
    }
}
