import Synchronization

/// A package registry on loopback: serves by HTTP what a test puts there, and remembers what it was asked.
public final class TestRegistry: Sendable {
    public struct Page: Sendable {
        public var status = 200
        public var fields: [String: String]
        public var body: [UInt8]
        /// Behind how many bytes of the body it breaks off.
        public var cutAt: Int?
        /// Behind how many bytes of the body it says nothing any more.
        public var hangsAt: Int?
        /// What a request has to show (`Authorization`); else it is answered 401.
        public var authorization: String?

        public init(_ body: [UInt8], type: String? = nil, tag: String? = nil) {
            self.body = body
            fields = [:]
            fields["Content-Type"] = type
            fields["ETag"] = tag
        }
    }

    public struct Request: Hashable, Sendable {
        public let target: String
        /// By names in lower case.
        public let fields: [String: String]
    }

    public let port: Int
    private let pages: Mutex<[String: Page]>
    private let asked: Mutex<[Request]>

    private init(port: Int, _ shared: Shared) {
        self.port = port
        pages = Mutex([:])
        asked = Mutex([])
        shared.registry.withLock { $0 = self }
    }

    private final class Shared: Sendable { let registry = Mutex<TestRegistry?>(nil) }

    public var url: String { "http://127.0.0.1:\(port)" }

    /// - Parameter target: of requests, with the leading slash; as it is written.
    public func put(_ page: Page, at target: String) { pages.withLock { $0[target] = page } }

    public var requests: [Request] { asked.withLock { $0 } }

    /// Serves while `body` runs.
    public static func run<Value: Sendable>(_ body: (TestRegistry) async throws -> Value) async throws -> Value {
        let shared = Shared()
        return try await ByteServer.run { connection in
            while let head = try await connection.text(through: "\r\n\r\n") {
                guard let registry = shared.registry.withLock({ $0 }), try await registry.answer(head, connection)
                else {
                    return
                }
            }
        } body: { port in
            try await body(TestRegistry(port: port, shared))
        }
    }

    /// - Returns: whether the connection goes on.
    private func answer(_ head: String, _ connection: ByteConnection) async throws -> Bool {
        let lines = head.split(separator: "\r\n")
        let words = lines[0].split(separator: " ")
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2 { fields[parts[0].lowercased()] = String(parts[1].drop { $0 == " " }) }
        }
        let target = String(words[1])
        asked.withLock { $0.append(Request(target: target, fields: fields)) }
        var page = pages.withLock { $0[target] } ?? Page(Array("{}".utf8))
        if pages.withLock({ $0[target] }) == nil { page.status = 404 }
        if let needed = page.authorization, fields["authorization"] != needed {
            (page.status, page.body) = (401, [])
        }
        if let tag = page.fields["ETag"], fields["if-none-match"] == tag { (page.status, page.body) = (304, []) }
        var text = "HTTP/1.1 \(page.status) Words\r\n"
        for (name, value) in page.fields { text += "\(name): \(value)\r\n" }
        if page.status != 304 { text += "Content-Length: \(page.body.count)\r\n" }
        try await connection.write(text + "\r\n")
        if words[0] == "HEAD" { return true }
        try await connection.write(Array(page.body.prefix(page.cutAt ?? page.hangsAt ?? page.body.count)))
        // Until the other side gives up.
        if page.hangsAt != nil { _ = try await connection.rest() }
        return page.cutAt == nil && page.hangsAt == nil
    }
}
