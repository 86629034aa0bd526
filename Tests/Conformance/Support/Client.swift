import Foundation
import Invok
import Testing

extension Answer {
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
    private let transport: any Transport
    var token: String?
    var user: UserMessage?

    init(_ installation: any Installation) async { transport = await installation.transport }

    /// A new user of the installation.
    static func register(on installation: any Installation) async throws -> Client {
        var client = await Client(installation)
        let email = "user-\(installation.unique())@example.com"
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
        try await transport.send(call(method, path, headers: headers, body: body))
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
        let encoder = JSONEncoder()
        // The same bytes in every process.
        encoder.outputFormatting = .sortedKeys
        return try await send(
            method, path, headers: [("Content-Type", "application/json")], body: Array(encoder.encode(message)))
    }

    /// Offers an upgrade and sends bytes in the tunnel.
    /// - Returns: the answer; its body is what came in the tunnel.
    func tunnel(_ path: String, to name: String, sending bytes: [UInt8]) async throws -> Answer {
        let headers = [("Connection", "keep-alive, Upgrade"), ("Upgrade", name), ("Sec-WebSocket-Key", "key")]
        return try await transport.tunnel(call("GET", path, headers: headers, body: bytes))
    }

    /// The lines of a stream of server-sent events, as they come.
    func lines(_ path: String) async throws -> AsyncThrowingStream<String, any Error> {
        try await transport.lines(call("GET", path))
    }

    private func call(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil
    ) -> Call {
        var call = Call(method: method, path: path, headers: headers.map { (name: $0, value: $1) }, body: body)
        if let token, !headers.contains(where: { $0.0.lowercased() == "authorization" }) {
            call.headers.append(("Authorization", "Bearer \(token)"))
        }
        return call
    }

    // MARK: Functions

    /// Uploads an archive as the CLI does.
    /// - Parameter accept: the media type that is asked for; `nil` for none in particular.
    func upload(
        _ archive: [UInt8], named fileName: String, query: String = "", accept: String? = nil
    ) async throws -> Answer {
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
            headers: [("Content-Type", "multipart/form-data; boundary=\(boundary)")]
                + (accept.map { [("Accept", $0)] } ?? []), body: body)
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
