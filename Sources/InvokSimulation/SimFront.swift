import HTTPTypes
import Invok
import InvokSim
import InvokSimNetwork

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The calls that a simulated user makes to one life of a core, by HTTP: what goes in and what comes back, without any
/// opinion.
struct SimFront: Sendable {
    /// What a call came to; `nil` when the core crashed before it answered, or did not listen any more.
    typealias Outcome<Value> = Result<Value, InvokError>?

    let life: SimNode.Life
    /// Where the user is.
    var client = "192.0.2.1"
    /// Hears what becomes of calls.
    let tally: SimCallTally
    /// Told of each request.
    let onRequest: @Sendable () -> Void

    /// The core's name.
    var name: String { life.core.name }

    /// The same way in, for somebody elsewhere.
    func from(_ address: String) -> SimFront {
        var front = self
        front.client = address
        return front
    }

    // MARK: Accounts

    func register(email: String, password: String) async -> Outcome<AuthResponse> {
        await call(.post, "/auth/register", CredentialsRequest(email: email, password: password))
    }

    func login(email: String, password: String) async -> Outcome<AuthResponse> {
        await call(.post, "/auth/login", CredentialsRequest(email: email, password: password))
    }

    /// Logs in as a client that renews its tokens.
    func loginRenewing(email: String, password: String) async -> Outcome<AuthResponse> {
        await call(.post, "/auth/login", CredentialsRequest(email: email, password: password, refresh: true))
    }

    func refresh(_ token: String) async -> Outcome<AuthResponse> {
        await call(.post, "/auth/refresh", RefreshRequest(refreshToken: token))
    }

    func logout(token: String) async -> Outcome<Void> {
        await exchange(.post, "/auth/logout", token: token)?.map { _ in }
    }

    func whoami(token: String) async -> Outcome<UserMessage> {
        await read(await exchange(.get, "/api/v1/me", token: token))
    }

    // MARK: Functions

    /// Deploys into the caller's own namespace.
    /// - Parameters:
    ///   - access: sets the function's access, unless `nil`.
    ///   - pace: how fast the archive is sent; `nil` for as fast as it is taken.
    func deploy(
        _ archive: [UInt8], name: FunctionName, access: Access? = nil, token: String, pace: SimConnection.Pace? = nil
    ) async -> Outcome<DeployResponse> {
        let query = access.map { "?access=\($0.rawValue)" } ?? ""
        return await read(
            await exchange(.post, "/invok/deploy\(query)", token: token, .file(archive, "\(name).zip"), pace: pace))
    }

    /// Changes the access in place, or makes a new version of the same code.
    func update(_ key: FunctionKey, _ update: FunctionUpdate, token: String) async -> Outcome<DeployResponse> {
        await call(.put, "/api/v1/functions/\(key)", token: token, update)
    }

    /// Goes back to an older version.
    /// - Parameter number: `nil` for the newest ready one before the active one.
    func rollBack(_ key: FunctionKey, to number: Int?, token: String) async -> Outcome<DeployResponse> {
        await call(.post, "/api/v1/functions/\(key)/rollback", token: token, RollbackRequest(to: number))
    }

    /// Sets a secret of a function, or of all of its namespace.
    func set(
        _ key: SecretKey, to value: String, restarts: Bool, token: String
    ) async -> Outcome<SecretMessage> {
        let path =
            key.function.map { "/api/v1/functions/\(key.namespace)/\($0)/secrets/\(key.name)" }
            ?? "/api/v1/secrets/\(key.namespace)/\(key.name)"
        return await call(.put, "\(path)?restart=\(restarts)", token: token, SecretUpdate(value: value))
    }

    func delete(_ key: FunctionKey, token: String) async -> Outcome<Void> {
        await exchange(.delete, "/api/v1/functions/\(key)", token: token)?.map { _ in }
    }

    /// The functions of the caller's own namespace.
    func list(token: String) async -> Outcome<[FunctionMessage]> {
        await read(await exchange(.get, "/invok/list", token: token))
    }

    /// The last lines of a function's log.
    func logs(of key: FunctionKey, token: String) async -> Outcome<[LogMessage]> {
        await read(await exchange(.get, "/api/v1/functions/\(key)/logs", token: token))
    }

    /// What the core sees running of the caller's functions.
    func status(token: String) async -> Outcome<[StatusMessage.FunctionStatus]> {
        let status: Outcome<StatusMessage> = await read(await exchange(.get, "/api/v1/status", token: token))
        return status?.map(\.functions)
    }

    // MARK: Invoking

    /// Calls a function; its answer goes into the sink. A caller that is cancelled has gone away.
    /// - Parameters:
    ///   - token: `nil` for a caller without an account.
    ///   - body: sent with POST; without one it is a GET.
    ///   - pace: how fast the body is sent and the answer taken; `nil` for as fast as may be.
    func invoke(
        _ key: FunctionKey, token: String?, body: [UInt8]? = nil, requestID: String, sink: SimSink,
        pace: SimConnection.Pace? = nil
    ) async -> Outcome<Void> {
        let message = body.map { Message(type: "application/octet-stream", bytes: $0) }
        return await exchange(
            body == nil ? .get : .post, "/invok/\(key)", token: token, message, calling: key, requestID: requestID,
            sink: sink, pace: pace)?
            .map { _ in }
    }
}

// MARK: HTTP

extension SimFront {
    /// The body of a request.
    private struct Message {
        let type: String
        let bytes: [UInt8]

        /// A file as the CLI uploads one (RFC 7578).
        static func file(_ content: [UInt8], _ name: String) -> Message {
            let boundary = "invok-simulation-boundary"
            let head = """
                --\(boundary)\r
                Content-Disposition: form-data; name="file"; filename="\(name)"\r
                Content-Type: application/zip\r
                \r\n
                """
            return Message(
                type: "multipart/form-data; boundary=\(boundary)",
                bytes: Array(head.utf8) + content + Array("\r\n--\(boundary)--\r\n".utf8))
        }
    }

    private func call<Answer: Decodable>(
        _ method: HTTPRequest.Method, _ path: String, token: String? = nil, _ message: some Encodable
    ) async -> Outcome<Answer> {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        // A message of texts and numbers always has a JSON form.
        let bytes = (try? encoder.encode(message)).map(Array.init) ?? []
        return await read(
            await exchange(method, path, token: token, Message(type: "application/json", bytes: bytes)))
    }

    /// Sends one request.
    /// - Returns: the answer, or the problem that came instead. An answer that broke off in a core that still runs is
    ///   `function_failed`: only a function may break off.
    private func exchange(
        _ method: HTTPRequest.Method, _ path: String, token: String? = nil, _ message: Message? = nil,
        calling function: FunctionKey? = nil, requestID: String? = nil, sink: SimSink = SimSink(),
        pace: SimConnection.Pace? = nil
    ) async -> Outcome<SimSink> {
        onRequest()
        guard !life.core.isClosed else { return nil }
        var head = HTTPRequest(method: method, scheme: "http", authority: "localhost", path: path)
        head.headerFields[.authorization] = token.map { "Bearer \($0)" }
        head.headerFields[.contentType] = message?.type
        head.headerFields[.contentLength] = message.map { String($0.bytes.count) }
        head.headerFields[Self.requestID] = requestID
        let body = message?.bytes ?? []
        if let function { tally.begin(function, on: name, bodyBytes: body.count) }
        let end: SimConnection.End
        if let server = life.byteServer {
            let outcome = await server.exchange(
                head, body: body, from: client, requestID: requestID, sink: sink, pace: pace)
            if outcome.end == .cutOff, outcome.isFaulty || (!outcome.hasBegun && life.core.isClosed) { return nil }
            end = outcome.end
        } else {
            let connection = SimConnection(for: method, sink: sink, pace: pace, client: client)
            end = await life.core.exchange(head, body: body, on: connection, with: life.server)
        }
        if end == .whole, let function {
            tally.end(
                function, on: name, status: sink.head?.status.code ?? 0,
                isByFunction: sink.field("x-sim-version") != nil, bodyBytes: sink.body.count)
        }
        switch end {
        case .whole: return sink.field("content-type") == "application/problem+json" ? problem(sink) : .success(sink)
        case .cutOff: return life.core.isDead ? nil : .failure(InvokError(.functionFailed, "the answer was cut off"))
        case .hungUp: return .failure(InvokError(.unavailable, "the client went away"))
        }
    }

    private static let requestID = HTTPField.Name("X-Request-Id") ?? .cookie

    private func problem(_ sink: SimSink) -> Outcome<SimSink> {
        guard let message = try? JSONDecoder().decode(ProblemMessage.self, from: Data(sink.text.utf8)),
            let code = InvokError.Code(rawValue: message.code)
        else { return .failure(InvokError(.internal, "an answer is no problem: \(sink.text)")) }
        sink.forget()
        return .failure(InvokError(code, message.detail, buildLog: message.buildLog))
    }

    private func read<Answer: Decodable>(_ outcome: Outcome<SimSink>) async -> Outcome<Answer> {
        outcome?.flatMap { sink in
            guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(sink.text.utf8)) else {
                return .failure(InvokError(.internal, "an answer is no \(Answer.self): \(sink.text)"))
            }
            return .success(answer)
        }
    }
}
