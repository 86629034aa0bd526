/// What a process takes of its machine.
public struct ProcessUse: Hashable, Sendable {
    /// In user and kernel mode.
    public var processorSeconds: Double
    public var residentBytes: Int
    public var virtualBytes: Int
    public var openDescriptors: Int
    public var maximumDescriptors: Int
    /// In seconds since 1970.
    public var startedAt: Double

    public init(
        processorSeconds: Double, residentBytes: Int, virtualBytes: Int, openDescriptors: Int, maximumDescriptors: Int,
        startedAt: Double
    ) {
        self.processorSeconds = processorSeconds
        self.residentBytes = residentBytes
        self.virtualBytes = virtualBytes
        self.openDescriptors = openDescriptors
        self.maximumDescriptors = maximumDescriptors
        self.startedAt = startedAt
    }
}
