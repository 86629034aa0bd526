import Testing

@testable import Invok

struct CapacityTests {
    private let owner = Namespace(high: 1, low: 1)
    private let other = Namespace(high: 1, low: 2)

    private func id(_ ordinal: UInt32) throws -> InstanceID {
        let key = FunctionKey(namespace: owner, name: try FunctionName("hello"))
        return InstanceID(version: VersionKey(function: key, number: 1), ordinal: ordinal)
    }

    private func share(_ memoryMB: Int, _ milliCPUs: Int = 1000) -> Resources {
        Resources(instances: 1, memoryMB: memoryMB, milliCPUs: milliCPUs)
    }

    @Test func nothingIsPromisedTwice() throws {
        var capacity = Capacity(Resources(instances: 3, memoryMB: 256))
        capacity.reserve(share(200), for: try id(1), of: owner)
        #expect(capacity.obstacle(to: share(57), of: other, within: Quota()) == .machine)
        #expect(capacity.obstacle(to: share(56), of: other, within: Quota()) == nil)
        capacity.reserve(share(16), for: try id(2), of: other)
        capacity.reserve(share(16), for: try id(3), of: other)
        #expect(capacity.obstacle(to: share(16), of: other, within: Quota()) == .machine, "the instances are used up")
        capacity.release(try id(1))
        capacity.release(try id(1))
        #expect(capacity.used == Resources(instances: 2, memoryMB: 32, milliCPUs: 2000))
        #expect(capacity.obstacle(to: share(200), of: owner, within: Quota()) == nil)
    }

    @Test func anOwnersSumIsHeldToItsQuota() throws {
        var capacity = Capacity(Resources())
        let quota = Quota([.instances: 3, .memoryMB: 300, .cpus: 2])
        capacity.reserve(share(100, 500), for: try id(1), of: owner)
        capacity.reserve(share(100, 500), for: try id(2), of: owner)
        #expect(capacity.obstacle(to: share(100), of: owner, within: quota) == nil)
        #expect(
            capacity.obstacle(to: share(101), of: owner, within: quota)
                == .quota(QuotaExcess(.memoryMB, value: 300, used: 200)))
        #expect(
            capacity.obstacle(to: share(16, 1001), of: owner, within: quota)
                == .quota(QuotaExcess(.cpus, value: 2, used: 1)))
        #expect(capacity.obstacle(to: share(300), of: other, within: quota) == nil, "another's")
        capacity.reserve(share(16, 50), for: try id(3), of: owner)
        #expect(
            capacity.obstacle(to: share(16, 50), of: owner, within: quota)
                == .quota(QuotaExcess(.instances, value: 3, used: 3)))
        #expect(capacity.obstacle(to: share(4096, 16_000), of: owner, within: quota.freed) == nil)
    }
}
