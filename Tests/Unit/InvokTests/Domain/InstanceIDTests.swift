import Invok
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
}
