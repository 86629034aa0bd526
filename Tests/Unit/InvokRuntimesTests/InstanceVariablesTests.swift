import Invok
import Testing

@testable import InvokRuntimes

/// What an instance is told of its function.
@Suite struct InstanceVariablesTests {
    private func variables(entry: String? = nil, mount: Mount?) throws -> [String: String] {
        let version = VersionKey(
            function: FunctionKey(namespace: Namespace(high: 1, low: 2), name: try FunctionName("hello")), number: 1)
        let settings = VersionSettings(
            runtime: .python, environment: try Environment(["A": "1"]), limits: .standard,
            entry: try entry.map { try EntryPoint($0) }, mount: mount)
        return InstanceSpec(
            id: InstanceID(version: version, ordinal: 1), version: version, settings: settings,
            bundle: BundleID(Digest(of: []))
        ).variables()
    }

    @Test func aMountIsToldWhereItIsNotTheUsual() throws {
        #expect(try variables(mount: .standard)["INVOK_MOUNT"] == nil)
        #expect(try variables(mount: .root)["INVOK_MOUNT"] == "root")
        #expect(try variables(mount: .name)["INVOK_MOUNT"] == "name")
        #expect(try variables(mount: nil)["INVOK_MOUNT"] == "name", "deployed before there was a choice")
    }

    @Test func anEntryIsToldWhereThereIsOne() throws {
        #expect(try variables(mount: .standard)["INVOK_ENTRY"] == nil)
        #expect(try variables(entry: "./src/app.py:app", mount: .standard)["INVOK_ENTRY"] == "src/app.py:app")
    }
}
