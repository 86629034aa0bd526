import HTTPTypes
import Invok
import Synchronization
import Testing

@testable import InvokSim
@testable import InvokSimulation

/// What an owner checks must be able to fail.
struct SimOwnerTests {
    @Test func aDeployThatIsAcknowledged() async {
        #expect(await Stage.violations { await $0.deploy("second") } == [])
    }

    /// The server does what the second deploy asks for, and answers that it failed.
    @Test func aDeployThatFailedButIsActive() async {
        let deploys = Mutex(0)
        let violations = await Stage.violations { honest, head, body, connection in
            let isSecond =
                head.path?.hasPrefix("/invok/deploy") == true
                && deploys.withLock { count in
                    count += 1
                    return count == 2
                }
            guard isSecond else { return try await honest.respond(to: head, body: body, on: connection) }
            try await honest.respond(to: head, body: body, on: SimConnection(for: .post, sink: SimSink()))
            try await connection.answer(.problem(code: "unavailable", status: 503))
        } _: {
            await $0.deploy("second")
        }
        #expect(violations.joined().contains("failed, but it is active"))
    }
}
