import AsyncHTTPClient
import Foundation
import HTTPTypes
import Invok
import NIOCore
import NIOHTTP1
import Testing

/// What came back, read whole.
struct Answer: Sendable {
    let status: Int
    let headers: [(name: String, value: String)]
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The first value of a header.
    subscript(header: String) -> String? {
        headers.first { $0.name.lowercased() == header.lowercased() }?.value
    }

    func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        try JSONDecoder().decode(type, from: Data(body))
    }

    /// The code of a problem; `nil` when the answer is none.
    var problem: String? {
        guard self["Content-Type"]?.hasPrefix("application/problem+json") == true else { return nil }
        return try? json(ProblemMessage.self).code
    }
}

/// Speaks to an installation as one user, or as nobody.
struct Client: Sendable {
    static let timeout = TimeAmount.seconds(60)

    /// Scenarios run side by side, and none may wait for another's connection.
    private static let http = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 500
        return HTTPClient(configuration: configuration)
    }()

    let url: String
    var token: String?
    var user: UserMessage?

    init(_ installation: any Installation) async { url = await installation.url }

    /// A new user of the installation.
    static func register(on installation: any Installation) async throws -> Client {
        var client = await Client(installation)
        let email = "user-\(UUID().uuidString.lowercased())@example.com"
        let answer = try await client.post(
            "/auth/register", CredentialsRequest(email: email, password: "correct horse battery"))
        try #require(answer.status == 201, "\(answer.text)")
        let session = try answer.json(AuthResponse.self)
        client.token = session.token
        client.user = session.user
        return client
    }

    /// The same installation without a token.
    var anonymous: Client {
        var client = self
        client.token = nil
        return client
    }

    func with(token: String) -> Client {
        var client = self
        client.token = token
        return client
    }

    var namespace: String { user?.uuid.description ?? "" }

    func path(_ name: String, _ rest: String = "") -> String { "/invok/\(namespace)/\(name)\(rest)" }
    func api(_ name: String, _ rest: String = "") -> String { "/api/v1/functions/\(namespace)/\(name)\(rest)" }

    // MARK: Requests

    func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil
    ) async throws -> Answer {
        let response = try await Self.http.execute(
            request(method, path, headers: headers, body: body), timeout: Self.timeout)
        let content = try await response.body.collect(upTo: 64 << 20)
        return Answer(
            status: Int(response.status.code), headers: response.headers.map { ($0.name, $0.value) },
            body: Array(content.readableBytesView))
    }

    func get(_ path: String) async throws -> Answer { try await send("GET", path) }
    func delete(_ path: String) async throws -> Answer { try await send("DELETE", path) }

    func post(_ path: String, _ message: some Encodable) async throws -> Answer {
        try await send(json: message, "POST", path)
    }

    func put(_ path: String, _ message: some Encodable) async throws -> Answer {
        try await send(json: message, "PUT", path)
    }

    private func send(json message: some Encodable, _ method: String, _ path: String) async throws -> Answer {
        let body = try Array(JSONEncoder().encode(message))
        return try await send(method, path, headers: [("Content-Type", "application/json")], body: body)
    }

    /// The lines of a stream of server-sent events, as they come.
    func lines(_ path: String) async throws -> AsyncThrowingStream<String, any Error> {
        let response = try await Self.http.execute(request("GET", path), timeout: Self.timeout)
        try #require(response.status == .ok)
        return AsyncThrowingStream { continuation in
            let task = Task {
                var rest = ""
                for try await chunk in response.body {
                    rest += String(buffer: chunk)
                    while let end = rest.firstIndex(where: \.isNewline) {
                        continuation.yield(String(rest[..<end]))
                        rest = String(rest[rest.index(after: end)...])
                    }
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func request(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url + path)
        request.method = .init(rawValue: method)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        if let token, !request.headers.contains(name: "Authorization") {
            request.headers.add(name: "Authorization", value: "Bearer \(token)")
        }
        if let body { request.body = .bytes(body) }
        return request
    }

    // MARK: Functions

    /// Uploads an archive as the CLI does.
    func upload(_ archive: [UInt8], named fileName: String, query: String = "") async throws -> Answer {
        let boundary = "invok-conformance-boundary"
        var body = Array(
            """
            --\(boundary)\r
            Content-Disposition: form-data; name="file"; filename="\(fileName)"\r
            Content-Type: application/zip\r
            \r\n
            """.utf8)
        body += archive
        body += Array("\r\n--\(boundary)--\r\n".utf8)
        return try await send(
            "POST", "/invok/deploy\(query)",
            headers: [("Content-Type", "multipart/form-data; boundary=\(boundary)")], body: body)
    }

    func deploy(_ fixture: Fixture) async throws -> Answer {
        try await upload(fixture.archive, named: "\(fixture.name).zip")
    }

    /// Deploys what must succeed.
    @discardableResult
    func deployed(_ fixture: Fixture, sourceLocation: SourceLocation = #_sourceLocation) async throws -> DeployResponse
    {
        let answer = try await deploy(fixture)
        try #require(answer.status == 200, "\(answer.text)", sourceLocation: sourceLocation)
        return try answer.json()
    }
}
