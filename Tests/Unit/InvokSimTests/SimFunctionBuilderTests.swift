import Invok
import InvokSim
import Testing

struct SimFunctionBuilderTests {
    @Test func theSameArchiveIsBuiltOnce() async throws {
        let builder = SimFunctionBuilder()
        let (source, artifact) = try Fixture.source("hello")
        let first = try await builder.build(source, artifact: artifact, of: UUIDValue(high: 1, low: 2))
        let second = try await builder.build(source, artifact: artifact, of: UUIDValue(high: 1, low: 2))
        #expect(first == second)
        #expect(builder.buildCount == 1)
        #expect(try await builder.bundles() == [first.bundle])
        try await builder.remove(first.bundle)
        #expect(try await builder.bundles().isEmpty)
    }

    @Test(arguments: [
        ("build-fill", BuildError.failed(reason: "the build failed", log: "No space left on device")),
        ("build-sleep 3", .deadlineExceeded(seconds: 3, log: "")),
    ])
    func takesMoreThanItHas(_ directive: String, _ error: BuildError) async throws {
        let (source, artifact) = try Fixture.source(directive)
        await #expect(throws: error) {
            try await SimFunctionBuilder().build(source, artifact: artifact, of: UUIDValue(high: 1, low: 2))
        }
    }

    @Test(arguments: [
        ("build-error function.py:3: no such name", "function.py:3: no such name"),
        ("helo", "no such directive: sim: helo"), ("slow soon", "no such directive: sim: slow soon"),
        ("status 99", "no such directive: sim: status 99"),
    ])
    func saysWhyItDoesNotBuild(_ directive: String, _ log: String) async throws {
        let (source, artifact) = try Fixture.source(directive)
        await #expect(throws: BuildError.failed(reason: "the function does not build", log: log)) {
            try await SimFunctionBuilder().build(source, artifact: artifact, of: UUIDValue(high: 1, low: 2))
        }
    }
}
