import Invok
import Testing

@testable import InvokDocker

@Suite struct DockerInstanceTests {
    private let instance: DockerInstance

    init() throws {
        let version = VersionKey(
            function: FunctionKey(namespace: UUIDValue(high: 1, low: 2), name: try FunctionName("hello")), number: 1)
        let id = InstanceID(version: version, ordinal: 1)
        instance = DockerInstance(
            starting: id, version: version, share: Resources(.standard), folder: InstanceFolder(of: id, in: "/run"))
    }

    /// Were it forgotten, the instance would be counted on until the next list.
    @Test func anEndDuringTheStartIsHeard() {
        #expect(!instance.containerEnded())
        guard case .ended = instance.started() else {
            Issue.record("it counts as running")
            return
        }
        #expect(instance.running == nil)
    }

    @Test func anEndAfterTheStartIsOthersBusiness() {
        guard case .running = instance.started() else {
            Issue.record("it does not run")
            return
        }
        #expect(instance.containerEnded())
    }

    @Test func whoIsToEndDoesNotRun() {
        _ = instance.beginEnding()
        guard case .unwanted = instance.started() else {
            Issue.record("it runs")
            return
        }
        #expect(!instance.containerEnded())
    }
}
