public import Invok
import Synchronization

/// Temporary files in memory.
public final class SimSpool: Spool {
    private let effects: SimEffects
    /// Count the files that are there, and their bytes.
    private let files: SimGauge?
    private let bytes: SimGauge?

    public convenience init(effects: SimEffects = SimEffects()) { self.init(effects: effects, files: nil, bytes: nil) }

    package init(effects: SimEffects, files: SimGauge?, bytes: SimGauge?) {
        self.effects = effects
        self.files = files
        self.bytes = bytes
    }

    public func make() async throws(SpoolError) -> any SpoolFile {
        try await effects.perform("spool.make", failure: SpoolError.unavailable) {
            () throws(SpoolError) in SimSpoolFile(effects, files, bytes)
        }
    }
}

private final class SimSpoolFile: SpoolFile {
    private let content = Mutex<[UInt8]>([])
    private let effects: SimEffects
    private let files: SimGauge?
    private let bytes: SimGauge?

    package init(_ effects: SimEffects, _ files: SimGauge?, _ bytes: SimGauge?) {
        self.effects = effects
        self.files = files
        self.bytes = bytes
        files?.take()
    }

    deinit {
        files?.give()
        bytes?.give(count)
    }

    package var count: Int { content.withLock { $0.count } }

    package func append(_ more: [UInt8]) async throws(SpoolError) {
        try await effects.perform("spool.append", failure: SpoolError.unavailable) { () throws(SpoolError) in
            content.withLock { $0 += more }
            bytes?.take(more.count)
        }
    }

    package func read(_ range: Range<Int>) throws(InvokError) -> [UInt8] { content.withLock { Array($0[range]) } }
}
