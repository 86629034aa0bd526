import InvokModel
import Testing

struct InstanceIDTests {
    @Test(arguments: ["a", "hello-world", "a1-2-3"])
    func comesBackFromItsText(_ name: String) throws {
        let key = FunctionKey(namespace: Namespace(high: 1, low: 2), name: try FunctionName(name))
        let id = InstanceID(version: VersionKey(function: key, number: 12), ordinal: .max)
        #expect(InstanceID(id.description) == id)
    }

    @Test(arguments: [
        "", "-", "a", "a-0123456789abcdef0123-1", "0123456789abcdef0123-1-2", "A-0123456789abcdef0123-1-2",
        "a-0123456789abcdef012-1-2", "a-0123456789abcdef012g-1-2", "a-0123456789abcdef0123-x-2",
        "a-0123456789abcdef0123-+1-2", "a-0123456789ABCDEF0123-1-2",
        "a-0123456789abcdef0123-1-4294967296", "../a-0123456789abcdef0123-1-2",
    ])
    func refusesOtherText(_ text: String) {
        #expect(InstanceID(text) == nil)
    }

    private func instance(
        _ name: String = "hello", namespace: UInt64 = 1, version: Int = 1, ordinal: UInt32 = 1
    ) throws -> InstanceID {
        let key = FunctionKey(namespace: UUIDValue(high: 0, low: namespace), name: try FunctionName(name))
        return InstanceID(version: VersionKey(function: key, number: version), ordinal: ordinal)
    }

    @Test func theFormIsStable() throws {
        // The start of: printf 00000000-0000-0000-0000-000000000001 | sha256sum
        #expect(try instance("a-b", version: 3, ordinal: 7).description == "a-b-7ac1b8d7010bb6cd3a3e-3-7")
    }

    @Test func everyPartTellsInstancesApart() throws {
        let all = [
            try instance(), try instance("hello2"), try instance(namespace: 2), try instance(version: 2),
            try instance(ordinal: 2), try instance(version: 11), try instance(ordinal: 11),
            try instance("hello-1"),
        ]
        #expect(Set(all.map(\.description)).count == all.count)
    }

    @Test func theLongestFitsAHostNameLabel() throws {
        let id = try instance(String(repeating: "a", count: 25), version: 99_999, ordinal: .max)
        #expect(id.description.utf8.count <= 63)
        let characters = Set("abcdefghijklmnopqrstuvwxyz0123456789-")
        #expect(id.description.allSatisfy { characters.contains($0) })
    }
}
