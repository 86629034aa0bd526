public import Invok
import Synchronization

/// A machine's disk, half of which is free, but for times when hardly anything is.
public final class SimDisk: DataDisk {
    private static let totalBytes = 100 << 30

    /// When it was last nearly full.
    private let shortage = Mutex<Range<Instant>?>(nil)
    private let clock: any Clock
    private let effects: SimEffects

    public init(clock: any Clock, effects: SimEffects = SimEffects()) {
        self.clock = clock
        self.effects = effects
    }

    public func space() async throws(DataDiskError) -> DiskSpace {
        try await effects.perform("disk.space", failure: DataDiskError.unavailable) { () throws(DataDiskError) in
            let free = shortSince == nil ? Self.totalBytes / 2 : Self.totalBytes / 100
            return DiskSpace(freeBytes: free, totalBytes: Self.totalBytes)
        }
    }

    /// Leaves 1 % of it free for so long.
    public func fill(for duration: Duration) {
        let now = clock.now()
        let since = shortSince ?? now
        shortage.withLock { $0 = since..<max($0?.upperBound ?? now, now.advanced(by: duration)) }
    }

    /// Since when hardly anything is free; `nil` while there is enough.
    package var shortSince: Instant? {
        let now = clock.now()
        return shortage.withLock { $0.flatMap { $0.contains(now) ? $0.lowerBound : nil } }
    }

    /// Whether hardly anything was free at any time since.
    package func wasShort(since: Instant) -> Bool { shortage.withLock { $0.map { $0.upperBound >= since } ?? false } }
}
