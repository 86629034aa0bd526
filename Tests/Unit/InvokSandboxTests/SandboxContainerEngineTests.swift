import Glibc
import Invok
import Testing

@testable import InvokSandbox

@Suite struct SandboxContainerEngineTests {
    @Test func preparesAndSaysWhatItCannotEnforce() async throws {
        let fixture = try Fixture()
        let warnings = try await fixture.engine.prepare()
        for warning in warnings { print("not enforced on this machine: \(warning)") }
        #expect(geteuid() != 0 || !warnings.contains { $0.contains("user namespace") })
    }

    @Test func answersThroughItsSocketWithItsEnvironment() async throws {
        let fixture = try Fixture()
        let program = pythonServer + "serve(lambda path: path + ' ' + os.environ['GREETING'] + ' ' + os.getcwd())"
        let spec = try fixture.spec(try fixture.bundle(program), environment: ["GREETING": "a 'b' $c\n\"d\""])
        let running = try await fixture.engine.start(spec)
        #expect(try await fixture.engine.list() == [running])
        let answer = try await within("an answer") { try await get("/hello", from: running.endpoint) }
        #expect(answer == "/hello a 'b' $c\n\"d\" /bundle")
        await fixture.engine.stop(spec.id, grace: .seconds(5))
        #expect(try await fixture.engine.list().isEmpty)
        await #expect(throws: (any Error).self) { try await get("/hello", from: running.endpoint) }
    }
}
