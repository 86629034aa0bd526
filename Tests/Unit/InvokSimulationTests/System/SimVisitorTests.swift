import HTTPTypes
import Invok
import Testing

@testable import InvokSim
@testable import InvokSimulation

/// What a visitor checks must be able to fail.
struct SimVisitorTests {
    private static func meddle(asGuest: Bool, _ stage: Stage) async {
        stage.cluster.add(stage.account)
        // The second is the first one's guest, the third is nobody's.
        for email in ["b@example.com", "c@example.com"] {
            guard
                case .success(let session)? = await stage.front.register(email: email, password: "a long password")
            else { return }
            stage.cluster.add(SimCluster.Account(token: session.token, namespace: session.user.uuid))
        }
        let visitor = SimVisitor(
            name: "visitor", model: stage.model, token: stage.account.token, slowness: 1, cluster: stage.cluster)
        var random = stage.cluster.random("visitor")
        await visitor.meddle(stage.front, asGuest: asGuest, &random)
    }

    @Test(arguments: [true, false])
    func oneWhoIsRefused(isGuest: Bool) async {
        let violations = await Stage.violations { stage in
            await Self.meddle(asGuest: isGuest, stage)
            let mark = isGuest ? "guest refused with forbidden" : "stranger refused with not_found"
            #expect(stage.cluster.checker.marks[mark] == 1)
        }
        #expect(violations == [])
    }

    @Test(arguments: [true, false])
    func oneWhoMayDelete(isGuest: Bool) async {
        let violations = await Stage.violations { honest, head, body, connection in
            guard head.method == .delete else { return try await honest.respond(to: head, body: body, on: connection) }
            try await connection.answer(LyingServer.Message(status: 204))
        } _: {
            await Self.meddle(asGuest: isGuest, $0)
        }
        #expect(violations.count == 1)
    }
}
