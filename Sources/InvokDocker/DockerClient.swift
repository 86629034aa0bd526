import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import Synchronization

/// Why a call of the Engine API did not do what it should.
enum DockerError: Error, Hashable, Sendable {
    /// Nobody answers, or the answer broke off.
    case unreachable(String)
    /// The engine's own words, with its HTTP status.
    case refused(status: Int, message: String)
    case cancelled

    var description: String {
        switch self {
        case .unreachable(let reason): "Docker does not answer: \(reason)"
        case .refused(_, let message): message
        case .cancelled: "cancelled"
        }
    }

    var isNotFound: Bool { if case .refused(404, _) = self { true } else { false } }
    var isConflict: Bool { if case .refused(409, _) = self { true } else { false } }
    var isDiskFull: Bool { if case .refused(_, let text) = self { text.contains("no space left") } else { false } }
}

/// The Docker Engine API over a unix socket (https://docs.docker.com/reference/api/engine).
final class DockerClient: Sendable {
    enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case delete = "DELETE"
    }

    /// The newest version of the API whose answers were read for this client.
    static let newestVersion = DockerVersion(major: 1, minor: 47)
    static let oldestVersion = DockerVersion(major: 1, minor: 41)

    let socketPath: String
    private let http: HTTPClient
    private let version = Mutex<DockerVersion?>(nil)

    /// - Parameter socketPath: the engine's unix socket.
    init(socketPath: String) {
        self.socketPath = socketPath
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(5)
        // Each container that runs holds one for its log, each that starts one for its end.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 4096
        configuration.connectionPool.idleTimeout = .seconds(20)
        // A socket of this machine refuses at once, and callers have their own idea of when to try again.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.redirectConfiguration = .disallow
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    func shutdown() async { try? await http.shutdown() }

    /// Agrees on a version of the API, which all later calls name.
    /// - Returns: what the engine says of itself.
    func negotiate() async throws(DockerError) -> DockerVersionMessage {
        let message: DockerVersionMessage = try await decode(call(.get, "/version"))
        guard let newest = DockerVersion(message.apiVersion), newest >= Self.oldestVersion else {
            throw .refused(
                status: 400,
                message: "this Docker is too old: its API is \(message.apiVersion), and Invok needs "
                    + "\(Self.oldestVersion), which Docker Engine 20.10 has")
        }
        let oldest = message.minimumAPIVersion.flatMap(DockerVersion.init) ?? newest
        version.withLock { $0 = max(min(newest, Self.newestVersion), min(oldest, newest)) }
        return message
    }

    /// One call, with its whole answer.
    /// - Parameter seconds: the longest it may take; `nil` for calls that wait by their nature.
    /// - Throws: `refused` for any status of 400 and above.
    @discardableResult
    func call(
        _ method: Method, _ path: String, _ query: [String: String] = [:], body: (any Encodable & Sendable)? = nil,
        seconds: Int64? = 60
    ) async throws(DockerError) -> [UInt8] {
        let deadline: NIODeadline = seconds.map { .now() + .seconds($0) } ?? .distantFuture
        let response = try await send(method, path, query, body: body, deadline: deadline)
        do {
            return Array(buffer: try await response.body.collect(upTo: 64 << 20))
        } catch {
            throw Self.error(error)
        }
    }

    func decode<Value: Decodable>(_ bytes: [UInt8]) throws(DockerError) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw .unreachable("its answer cannot be read: \(error)")
        }
    }

    /// A call whose answer comes as it is made, until either side ends it.
    /// - Parameters:
    ///   - opened: is called once the engine has taken the call.
    ///   - receive: is called for each part in turn; the engine waits for it.
    func stream(
        _ method: Method, _ path: String, _ query: [String: String],
        opened: () async throws(DockerError) -> Void = {}, receive: ([UInt8]) async throws(DockerError) -> Void
    ) async throws(DockerError) {
        let response = try await send(method, path, query, body: nil, deadline: .distantFuture)
        try await opened()
        do {
            for try await part in response.body { try await receive(Array(buffer: part)) }
        } catch {
            throw Self.error(error)
        }
    }

    private func send(
        _ method: Method, _ path: String, _ query: [String: String], body: (any Encodable & Sendable)?,
        deadline: NIODeadline
    ) async throws(DockerError) -> HTTPClientResponse {
        var request = HTTPClientRequest(url: url(path, query))
        request.method = HTTPMethod(rawValue: method.rawValue)
        request.headers.add(name: "Host", value: "docker")
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: Self.encode(body)))
        }
        do {
            let response = try await http.execute(request, deadline: deadline)
            guard response.status.code >= 400 else { return response }
            let text = String(buffer: (try? await response.body.collect(upTo: 1 << 20)) ?? ByteBuffer())
            let message = try? JSONDecoder().decode(DockerProblemMessage.self, from: Data(text.utf8)).message
            throw DockerError.refused(status: Int(response.status.code), message: message ?? text)
        } catch {
            throw Self.error(error)
        }
    }

    /// The bytes of a request's body: keys as the API spells them, in a fixed order.
    static func encode(_ body: any Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.keyEncodingStrategy = .custom { DockerKey($0[$0.count - 1].stringValue.capitalizedAtStart) }
        return (try? encoder.encode(body)).map(Array.init) ?? []
    }

    private func url(_ path: String, _ query: [String: String]) -> String {
        let prefix = version.withLock { $0 }.map { "/v\($0)" } ?? ""
        let fields = query.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.escaped($0.value))" }
        let tail = fields.isEmpty ? "" : "?" + fields.joined(separator: "&")
        return "http+unix://\(Self.escaped(socketPath))\(prefix)\(path)\(tail)"
    }

    /// Percent-encoded but for the unreserved characters (RFC 3986, section 2.3).
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default: escaped += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return escaped
    }

    private static func error(_ error: any Error) -> DockerError {
        if let error = error as? DockerError { return error }
        if error is CancellationError || error as? HTTPClientError == .cancelled { return .cancelled }
        if Task.isCancelled { return .cancelled }
        return .unreachable("\(error)")
    }
}

/// A version of the Engine API.
struct DockerVersion: Hashable, Comparable, CustomStringConvertible, Sendable {
    let major: Int
    let minor: Int

    init(major: Int, minor: Int) { (self.major, self.minor) = (major, minor) }

    init?(_ text: String) {
        let parts = text.split(separator: ".")
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]) else { return nil }
        self.init(major: major, minor: minor)
    }

    var description: String { "\(major).\(minor)" }

    static func < (left: Self, right: Self) -> Bool { (left.major, left.minor) < (right.major, right.minor) }
}

private struct DockerKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension String {
    fileprivate var capitalizedAtStart: String { prefix(1).uppercased() + dropFirst() }
}
