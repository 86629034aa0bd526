import HTTPTypes
import Invok

@testable import InvokSim
@testable import InvokSimulation

/// Cores without faults, with one user and a function that always has an instance: where checks are seen to fail.
struct Stage: Sendable {
    let cluster: SimCluster
    let front: SimFront
    let account: SimCluster.Account
    let model: SimFunctionModel

    /// - Returns: what the checker says of it.
    static func violations(
        cores: Int = 1,
        serve: @escaping LyingServer.Answer = { try await $0.respond(to: $1, body: $2, on: $3) },
        _ act: @escaping @Sendable (Stage) async -> Void
    ) async -> [String] {
        let cluster = SimCluster(seed: 1, cores: cores, faults: SimFaultPlan(seed: 1, faults: [])) {
            LyingServer(honest: SimHTTPServer($0), answer: serve)
        }
        _ = await SimScheduler.run(seed: 1, onIdle: { cluster.clock.advanceToNextTimer() }) {
            for node in cluster.nodes { await node.boot() }
            guard let stage = await Stage(cluster) else { return cluster.checker.violation("the stage is not set") }
            await act(stage)
            for node in cluster.nodes { await node.stop() }
        }
        return cluster.checker.violations
    }

    private init?(_ cluster: SimCluster) async {
        var random = cluster.random("stage")
        front = await cluster.front(&random)
        guard case .success(let session)? = await front.register(email: "a@example.com", password: "a long password"),
            let name = try? FunctionName("hello")
        else { return nil }
        self.cluster = cluster
        account = SimCluster.Account(token: session.token, namespace: session.user.uuid)
        model = SimFunctionModel(key: FunctionKey(namespace: session.user.uuid, name: name), clock: cluster.clock)
        await deploy("first")
    }

    var convergence: SimConvergence {
        let property = SimConvergence.Property(token: account.token, functions: [model])
        return SimConvergence(cluster: cluster, properties: [property])
    }

    var engine: SimContainerEngine { cluster.nodes[0].engine }

    /// Deploys as an owner does, who says what is wrong.
    func deploy(_ tag: String) async {
        var random = cluster.random(tag)
        var limits = LimitsConfig()
        limits.minInstances = 1
        let owner = SimOwner(name: tag, model: model, token: account.token, slowness: 1, cluster: cluster)
        await owner.deploy(SimCode(kind: .hello(delay: .zero), tag: tag, limits: limits), front, nil, &random)
    }
}

/// A server before which another answer may come.
struct LyingServer: SimServer {
    /// Answers a request, by the honest server or not.
    typealias Answer =
        @Sendable (
            _ honest: SimHTTPServer, _ head: HTTPRequest, _ body: [UInt8], _ connection: SimConnection
        ) async throws -> Void

    let honest: SimHTTPServer
    let answer: Answer

    func respond(to head: HTTPRequest, body: [UInt8], on connection: SimConnection) async throws {
        try await answer(honest, head, body, connection)
    }
}

extension LyingServer {
    struct Message {
        var status: Int
        var type: String?
        var text = ""

        static func problem(code: String, status: Int) -> Message {
            let text = """
                {"type":"about:blank","title":"","status":\(status),"detail":"a lie","error":"a lie","code":"\(code)",
                "request_id":"1"}
                """
            return Message(status: status, type: "application/problem+json", text: text)
        }
    }
}

extension SimConnection {
    func answer(_ message: LyingServer.Message) async throws {
        var head = HTTPResponse(status: HTTPResponse.Status(code: message.status))
        head.headerFields[.contentType] = message.type
        try await writeHead(head)
        try await writeChunk(Array(message.text.utf8))
        try await finish(trailers: nil)
    }
}
