import HTTPTypes
import Invok
import InvokSimHTTP
import Testing

@testable import InvokSim

/// What a visitor checks must be able to fail.
struct SimVisitorTests {
    private static let meddle: @Sendable (Stage) async -> Void = { stage in
        guard
            case .success(let session)? = await stage.front.register(
                email: "b@example.com", password: "a long password")
        else { return }
        stage.cluster.add(stage.account)
        stage.cluster.add(SimCluster.Account(token: session.token, namespace: session.user.uuid))
        let visitor = SimVisitor(
            name: "visitor", model: stage.model, token: stage.account.token, slowness: 1, cluster: stage.cluster)
        await visitor.meddle(stage.front)
    }

    @Test func aGuestWhoIsRefused() async {
        #expect(await Stage.violations(Self.meddle) == [])
    }

    @Test func aGuestWhoMayDelete() async {
        let violations = await Stage.violations { honest, head, body, connection in
            guard head.method == .delete else { return try await honest.respond(to: head, body: body, on: connection) }
            try await connection.answer(LyingServer.Message(status: 204))
        } _: {
            await Self.meddle($0)
        }
        #expect(violations.count == 1)
    }
}
