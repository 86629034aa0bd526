import HTTPTypes
import Invok
import Synchronization

/// The calls that a simulated user makes to one life of a core: what goes in and what comes back, without any opinion.
struct SimFront: Sendable {
    /// What a call came to; `nil` when the core crashed before it answered.
    typealias Outcome<Value> = Result<Value, InvokError>?

    let life: SimNode.Life

    /// The core's name.
    var name: String { life.core.name }
    private var system: InvokSystem { life.system }

    private func call<Value: Sendable>(
        _ operation: @escaping @Sendable (InvokSystem) async throws(InvokError) -> Value
    ) async -> Outcome<Value> {
        await life.core.serve { [system] () async -> Result<Value, InvokError> in
            do throws(InvokError) {
                return .success(try await operation(system))
            } catch {
                return .failure(error)
            }
        }
    }

    private func call<Value: Sendable>(
        as token: String, _ operation: @escaping @Sendable (InvokSystem, Principal) async throws(InvokError) -> Value
    ) async -> Outcome<Value> {
        await call { system throws(InvokError) in
            try await operation(system, try await system.accounts.authenticate(token: token))
        }
    }

    // MARK: Accounts

    func register(email: String, password: String) async -> Outcome<AuthResponse> {
        await call { system throws(InvokError) in
            AuthResponse(try await system.accounts.register(email: email, password: password, client: email))
        }
    }

    func login(email: String, password: String) async -> Outcome<AuthResponse> {
        await call { system throws(InvokError) in
            AuthResponse(try await system.accounts.login(email: email, password: password, client: email))
        }
    }

    // MARK: Functions

    /// Deploys into the caller's own namespace.
    /// - Parameter access: sets the function's access, unless `nil`.
    func deploy(
        _ archive: [UInt8], name: FunctionName, access: Access? = nil, token: String
    ) async -> Outcome<DeployResponse> {
        await call(as: token) { system, principal throws(InvokError) in
            DeployResponse(
                try await system.deployments.deploy(
                    archive: archive, fileName: "\(name).zip", namespace: nil, access: access, as: principal))
        }
    }

    /// Changes the access in place, or makes a new version of the same code.
    func update(_ key: FunctionKey, _ update: FunctionUpdate, token: String) async -> Outcome<DeployResponse> {
        await call(as: token) { system, principal throws(InvokError) in
            DeployResponse(try await system.deployments.update(key, update, as: principal))
        }
    }

    /// Goes back to the version before the active one.
    func rollBack(_ key: FunctionKey, token: String) async -> Outcome<DeployResponse> {
        await call(as: token) { system, principal throws(InvokError) in
            DeployResponse(try await system.deployments.rollback(key, to: nil, as: principal))
        }
    }

    func delete(_ key: FunctionKey, token: String) async -> Outcome<Void> {
        await call(as: token) { system, principal throws(InvokError) in
            try await system.functions.delete(key, as: principal)
        }
    }

    /// The functions of the caller's own namespace.
    func list(token: String) async -> Outcome<[FunctionMessage]> {
        await call(as: token) { system, principal throws(InvokError) in
            try await system.functions.list(nil, as: principal).map(FunctionMessage.init)
        }
    }

    /// The last lines of a function's log.
    func logs(of key: FunctionKey, token: String) async -> Outcome<[LogMessage]> {
        await call(as: token) { system, principal throws(InvokError) in
            try await system.logs.recent(of: key, since: nil, limit: 100, as: principal).map(LogMessage.init)
        }
    }

    /// What the core sees running of the caller's functions.
    func status(token: String) async -> Outcome<[StatusMessage.FunctionStatus]> {
        await call(as: token) { system, principal throws(InvokError) in
            try await system.functions.status(as: principal)
        }
    }

    // MARK: Invoking

    /// Calls a function; its answer goes into the sink. A caller that is cancelled has gone away.
    /// - Parameters:
    ///   - token: `nil` for a caller without an account.
    ///   - body: sent with POST; without one it is a GET.
    func invoke(
        _ key: FunctionKey, token: String?, body: [UInt8]? = nil, requestID: String, sink: SimSink
    ) async -> Outcome<Void> {
        let target = InvocationTarget(
            namespace: key.namespace.description, name: key.name.description, rest: "")
        var head = HTTPRequest(
            method: body == nil ? .get : .post, scheme: "http", authority: "localhost", path: "/invok/\(key)")
        head.headerFields[.authorization] = token.map { "Bearer \($0)" }
        return await call { [head] system throws(InvokError) in
            try await system.invocations.invoke(
                target, head: head, body: body.map(SimBody.init) ?? EmptyBody(), requestID: requestID, sink: sink)
        }
    }
}

/// A request's body that is there at once.
private final class SimBody: RequestBody {
    private let left: Mutex<[UInt8]?>

    init(_ bytes: [UInt8]) { left = Mutex(bytes) }

    var isEmpty: Bool { left.withLock { $0 == nil } }

    func next() async throws -> [UInt8]? {
        left.withLock { left in
            defer { left = nil }
            return left
        }
    }
}

extension AuthResponse {
    fileprivate init(_ session: Session) {
        let user = session.user
        self.init(
            token: session.token, user: UserMessage(uuid: user.id, email: user.email.description, role: user.role))
    }
}
