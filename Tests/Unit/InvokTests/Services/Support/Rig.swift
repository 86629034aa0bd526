import HTTPTypes
import InvokSim
import Logging
import TestSupport
import Testing

@testable import Invok

/// The services over simulated adapters, each within reach.
@dynamicMemberLookup
struct Rig {
    let sim: SimWorld
    let store: FaultyStore
    let system: InvokSystem
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    subscript<Part>(dynamicMember part: KeyPath<InvokSystem, Part>) -> Part { system[keyPath: part] }

    /// - Parameters:
    ///   - sim: what an earlier core left, for one that starts anew.
    ///   - change: puts a test's own adapters and settings in the place of the simulated ones.
    init(
        on sim: SimWorld = SimWorld(seed: 1), _ change: (inout World, inout SystemSettings) -> Void = { _, _ in }
    ) {
        self.sim = sim
        store = FaultyStore(sim.store)
        var world = sim.world
        var settings = SystemSettings()
        world.store = store
        change(&world, &settings)
        system = InvokSystem(world: world, settings: settings, logger: Self.logger)
    }

    /// Runs the body while instances are started and stopped.
    @discardableResult
    func running<Success: Sendable>(_ body: @Sendable @escaping () async throws -> Success) async throws -> Success {
        try await withThrowingTaskGroup(of: Success?.self) { group in
            group.addTask {
                await system.dispatcher.run()
                return nil
            }
            group.addTask {
                await system.directory.run()
                return nil
            }
            group.addTask { try await body() }
            while let result = try await group.next() {
                guard let result else { continue }
                group.cancelAll()
                return result
            }
            throw CancellationError()
        }
    }

    // MARK: Whom and what there is

    /// A user; the very first is an admin.
    func user(_ name: String = "owner", role: Role = .developer) async throws -> Principal {
        let user = User(
            id: UUIDValue(randomness: system.world.randomness), email: try Email("\(name)@example.com"),
            passwordHash: "",
            role: role, createdAt: system.world.clock.wallTime())
        return Principal(user: try await sim.store.createUser(user))
    }

    static func archive(
        _ directives: [String], limits: String = "{}", access: String? = nil, egress: String = "false"
    ) -> [UInt8] {
        let accessEntry = access.map { #","access":"\#($0)""# } ?? ""
        let config =
            #"{"function_name":"hello","runtime":"python","limits":\#(limits),"egress":\#(egress)\#(accessEntry)}"#
        var zip = ZipWriter()
        zip.add("config.json", content: Array(config.utf8))
        zip.add("function.py", content: Array(directives.map { "# sim: \($0)\n" }.joined().utf8))
        return zip.finish()
    }

    @discardableResult
    func deploy(
        _ directives: String..., limits: String = "{}", access: String? = nil, egress: String = "false",
        as principal: Principal, in namespace: Namespace? = nil
    ) async throws -> Deployment {
        try await system.deployments.deploy(
            archive: Self.archive(directives, limits: limits, access: access, egress: egress), fileName: "hello.zip",
            namespace: namespace, access: nil, as: principal)
    }

    func key(_ principal: Principal) throws -> FunctionKey {
        FunctionKey(namespace: principal.namespace, name: try FunctionName("hello"))
    }

    func token(_ principal: Principal) async throws -> String {
        let now = system.world.clock.wallTime()
        return try await system.world.tokens.sign(
            TokenClaims(user: principal.user.id, issuedAt: now, expiresAt: now.advanced(by: .seconds(60))))
    }

    /// Calls the function and returns its answer.
    func invoke(
        _ key: FunctionKey, token: String? = nil, fields: HTTPFields = [:], rest: String = "",
        body: any RequestBody = EmptyBody(), from caller: String? = nil, trace: CallTrace = CallTrace()
    ) async throws -> RecordingSink {
        let sink = RecordingSink()
        var head = HTTPRequest(method: .get, scheme: "http", authority: "x", path: "/", headerFields: fields)
        if let token { head.headerFields[.authorization] = "Bearer \(token)" }
        let target = InvocationTarget(namespace: "\(key.namespace)", name: "\(key.name)", rest: rest)
        try await system.invocations.invoke(
            target, head: head, body: body, requestID: "request-1", stranger: { caller }, sink: sink,
            trace: trace)
        return sink
    }

    func versions(_ principal: Principal) async throws -> [Version] { try await sim.store.versions(of: key(principal)) }

    /// Waits until something that other tasks bring about is so; the suite's time limit ends it.
    func eventually(_ condition: () async throws -> Bool) async throws {
        while try await !condition() {
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}

extension Accounts {
    /// As a client at this address that does not renew its tokens.
    func register(
        email: String, password: String, code: String? = nil, client address: String
    ) async throws(InvokError) -> Session {
        try await register(email: email, password: password, code: code, client: LoginClient(address: address))
    }

    /// As a client at this address that does not renew its tokens.
    func login(email: String, password: String, client address: String) async throws(InvokError) -> Session {
        try await login(email: email, password: password, client: LoginClient(address: address))
    }
}

/// The message of what the operation throws.
func message(_ operation: () async throws -> some Any) async -> String? {
    do {
        _ = try await operation()
        return nil
    } catch {
        return (error as? InvokError)?.message ?? "\(error)"
    }
}

/// The code of what the operation throws.
func code(_ operation: () async throws -> some Any) async -> InvokError.Code? {
    do {
        _ = try await operation()
        return nil
    } catch {
        return (error as? InvokError)?.code
    }
}

extension LimitsConfig {
    static func making(
        memoryMB: Int? = nil, timeoutSeconds: Int? = nil, concurrency: Int? = nil, minInstances: Int? = nil,
        maxInstances: Int? = nil, idleSeconds: Int? = nil
    ) -> LimitsConfig {
        var limits = LimitsConfig()
        limits.memoryMB = memoryMB
        limits.timeoutSeconds = timeoutSeconds
        limits.concurrency = concurrency
        limits.minInstances = minInstances
        limits.maxInstances = maxInstances
        limits.idleSeconds = idleSeconds
        return limits
    }
}
