import AsyncHTTPClient
import InvokModel
import NIOCore
import NIOHTTP1

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Speaks to one invok-core, as one user or as nobody.
struct APIClient: Sendable {
    let host: HostAddress
    let token: TokenSource?
    private let http: HTTPClient

    /// The methods of the control API.
    enum Method: String { case GET, POST, PUT, DELETE }

    /// The largest answer that is read whole: lists and logs.
    private static let maximumAnswerBytes = 64 << 20

    /// Runs the body with a client and closes its connections afterwards.
    /// - Parameter environment: says whose certificates are trusted.
    static func with<Value>(
        host: HostAddress, token: TokenSource?, environment: [String: String],
        isolation: isolated (any Actor)? = #isolation,
        _ body: (APIClient) async throws -> Value
    ) async throws -> Value {
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        configuration.httpVersion = .http1Only
        configuration.timeout.connect = .seconds(10)
        // A refused connection is an answer: the person waits for nothing.
        configuration.connectionPool.retryConnectionEstablishment = false
        if host.scheme == .https {
            configuration.tlsConfiguration = try TrustedRoots.configuration(environment: environment)
        }
        let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        do {
            let value = try await body(APIClient(host: host, token: token, http: http))
            try? await http.shutdown()
            return value
        } catch {
            try? await http.shutdown()
            throw error
        }
    }

    /// Begins a request; the path starts with a slash. The user's token is added when it is sent.
    func request(_ method: Method, _ path: String, query: [(String, String?)] = []) -> HTTPClientRequest {
        let pairs = query.compactMap { name, value in value.map { "\(name)=\(Self.percentEncoded($0))" } }
        var request = HTTPClientRequest(
            url: "\(host)\(path)" + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&")))
        request.method = HTTPMethod(rawValue: method.rawValue)
        request.headers.add(name: "User-Agent", value: "invok/\(InvokVersion.current)")
        return request
    }

    /// Sends a request.
    /// - Returns: the answer of whatever status, its body still to be read.
    /// - Throws: `Failure` where no answer comes.
    func send(_ request: HTTPClientRequest, timeout: Duration = .seconds(60)) async throws -> HTTPClientResponse {
        var request = request
        if let token {
            let text = try await token.token { try await APIClient(host: host, token: nil, http: http).renew($0) }
            request.headers.replaceOrAdd(name: "Authorization", value: "Bearer \(text)")
        }
        do {
            return try await http.execute(request, timeout: .nanoseconds(timeout.wholeNanoseconds))
        } catch {
            throw NetworkErrors.failure(error, host: host)
        }
    }

    /// Sends a request and reads the answer's JSON.
    /// - Throws: `Failure` with the server's problem for statuses from 400 on.
    func call<Answer: Decodable>(
        _ request: HTTPClientRequest, as type: Answer.Type = Answer.self, timeout: Duration = .seconds(60)
    ) async throws -> Answer {
        let (response, body) = try await exchange(request, timeout: timeout)
        do {
            return try JSONDecoder().decode(Answer.self, from: body)
        } catch {
            let kind = response.headers.first(name: "Content-Type") ?? "no content type"
            throw Failure.notUnderstood(host, "status \(response.status.code) with \(kind) to \(request.url)")
        }
    }

    private func renew(_ body: RefreshRequest) async throws -> AuthResponse {
        try await call(try request(.POST, "/auth/refresh", json: body))
    }

    /// Sends a request whose answer has no body of interest.
    func perform(_ request: HTTPClientRequest) async throws { _ = try await exchange(request, timeout: .seconds(60)) }

    /// A request with a JSON body.
    func request(
        _ method: Method, _ path: String, query: [(String, String?)] = [], json body: some Encodable
    ) throws -> HTTPClientRequest {
        var request = request(method, path, query: query)
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(ByteBuffer(bytes: try JSONEncoder().encode(body)))
        return request
    }

    /// A request with a file.
    func request(
        _ method: Method, _ path: String, query: [(String, String?)] = [], form: Multipart
    ) -> HTTPClientRequest {
        var request = request(method, path, query: query)
        request.headers.add(name: "Content-Type", value: form.contentType)
        request.body = .stream(form.pieces, length: .known(Int64(form.transfer.total)))
        return request
    }

    /// The server's problem in an answer of a status from 400 on.
    func problem(status: HTTPResponseStatus, body: Data) -> Failure {
        if let problem = try? JSONDecoder().decode(ProblemMessage.self, from: body) {
            return Failure(problem, host: host)
        }
        return .notUnderstood(host, "status \(status.code) \(status.reasonPhrase)")
    }

    /// Reads a whole body.
    func body(of response: HTTPClientResponse) async throws -> Data {
        do {
            return Data(try await response.body.collect(upTo: Self.maximumAnswerBytes).readableBytesView)
        } catch {
            throw NetworkErrors.failure(error, host: host)
        }
    }

    private func exchange(
        _ request: HTTPClientRequest, timeout: Duration
    ) async throws -> (HTTPClientResponse, Data) {
        let response = try await send(request, timeout: timeout)
        let body = try await body(of: response)
        guard response.status.code < 400 else { throw problem(status: response.status, body: body) }
        guard response.status.code < 300 else {
            throw Failure.notUnderstood(host, "status \(response.status.code), a redirect, to \(request.url)")
        }
        return (response, body)
    }

    /// Escapes all but the unreserved characters (RFC 3986 §2.3).
    private static func percentEncoded(_ text: String) -> String {
        text.utf8.reduce(into: "") { result, byte in
            let scalar = Unicode.Scalar(byte)
            if scalar.isASCII,
                scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                    || "-._~".unicodeScalars.contains(scalar)
            {
                result.unicodeScalars.append(scalar)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.count < 2 ? "0" : "") + digits
            }
        }
    }
}
