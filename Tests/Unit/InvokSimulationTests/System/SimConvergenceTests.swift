import HTTPTypes
import Invok
import Testing

@testable import InvokSim
@testable import InvokSimulation

/// Each check at the end must be able to fail.
struct SimConvergenceTests {
    @Test func aSoundClusterPassesAll() async {
        let violations = await Stage.violations(cores: 2) { stage in
            stage.convergence.checkState()
            await stage.convergence.checkAnswers()
            await stage.convergence.checkIdle()
            await stage.convergence.loseInstances()
            await stage.cluster.sleep(SystemSimulation.idleTime)
            await stage.convergence.checkIdle()
            await stage.convergence.restart()
            await stage.cluster.sleep(SystemSimulation.idleTime)
            await stage.convergence.checkAnswers()
            await stage.convergence.checkIdle()
            await stage.convergence.restartDuringChanges()
        }
        #expect(violations == [])
    }

    @Test func anArchiveThatIsGone() async {
        let violations = await Stage.violations { stage in
            for artifact in (try? await stage.cluster.artifacts.list()) ?? [] {
                stage.cluster.artifacts.corrupt(artifact)
            }
            stage.convergence.checkState()
        }
        #expect(violations.count == 1)
    }

    @Test func aCoreThatDoesNotRun() async {
        let violations = await Stage.violations { stage in
            _ = await stage.cluster.nodes[0].crash(takesInstances: false)
            stage.convergence.checkState()
        }
        #expect(violations.count == 1)
    }

    @Test func anAcknowledgedVersionThatIsNotActive() async {
        let violations = await Stage.violations { stage in
            let change = stage.model.begin(isHealthy: true)
            stage.model.end(change, .active(2), isHealthy: true)
            await stage.convergence.checkAnswers()
        }
        #expect(violations.count == 1)
    }

    @Test(arguments: [200, 404]) func anAccessThatIsNotTheStores(status: Int) async {
        let violations = await Stage.violations(
            serve: { honest, head, body, connection in
                guard head.path?.hasPrefix("/invok/") == true, head.headerFields[.authorization] == nil else {
                    return try await honest.respond(to: head, body: body, on: connection)
                }
                try await connection.answer(
                    status == 200 ? LyingServer.Message(status: 200) : .problem(code: "not_found", status: status))
            },
            { stage in await stage.convergence.checkAccess(to: stage.model.key, on: stage.front) })
        #expect(violations.count == 1)
    }

    /// The core has not looked yet.
    @Test func aLostInstanceThatIsStillCounted() async {
        let violations = await Stage.violations { stage in
            await stage.convergence.loseInstances()
            await stage.convergence.checkIdle()
        }
        #expect(violations.count == 2)
    }

    @Test func anInstanceThatIsNobodys() async throws {
        let violations = await Stage.violations { stage in
            guard let instance = stage.engine.running.first, let spec = stage.engine.spec(of: instance.id) else {
                return
            }
            let id = InstanceID(version: spec.version, ordinal: 100)
            _ = try? await stage.engine.start(
                InstanceSpec(id: id, version: spec.version, settings: spec.settings, bundle: spec.bundle))
            await stage.convergence.checkIdle()
        }
        #expect(violations.joined().contains("still runs 2 instances"))
    }
}
