import Invok
import Testing

@testable import InvokSim
@testable import InvokSimulation

struct SimFrontTests {
    @Test func aCoreThatHasClosedTakesNothing() async {
        let violations = await Stage.violations { stage in
            let checker = stage.cluster.checker
            checker.require(await stage.front.list(token: stage.account.token) != nil, "an open core answers")
            stage.front.life.core.close()
            checker.require(await stage.front.list(token: stage.account.token) == nil, "a closed one does not")
        }
        #expect(violations == [])
    }
}
