/// What instances take, or a machine can give to them.
public struct Resources: Hashable, Sendable {
    public var instances: Int
    /// In megabytes (2^20 bytes).
    public var memoryMB: Int
    /// In thousandths of a core.
    public var milliCPUs: Int

    public init(instances: Int = .max, memoryMB: Int = .max, milliCPUs: Int = .max) {
        self.instances = instances
        self.memoryMB = memoryMB
        self.milliCPUs = milliCPUs
    }

    /// What one instance with these limits may take.
    public init(_ limits: Limits) {
        self.init(instances: 1, memoryMB: limits.memoryMB, milliCPUs: Int((limits.cpus * 1000).rounded(.up)))
    }

    package static let none = Resources(instances: 0, memoryMB: 0, milliCPUs: 0)

    package static func += (left: inout Self, right: Self) {
        left.instances += right.instances
        left.memoryMB += right.memoryMB
        left.milliCPUs += right.milliCPUs
    }

    package static func -= (left: inout Self, right: Self) {
        left.instances -= right.instances
        left.memoryMB -= right.memoryMB
        left.milliCPUs -= right.milliCPUs
    }

    /// Whether this much is there besides what is used.
    package func fits(into total: Resources, besides used: Resources = .none) -> Bool {
        instances <= total.instances - used.instances && memoryMB <= total.memoryMB - used.memoryMB
            && milliCPUs <= total.milliCPUs - used.milliCPUs
    }
}
