public import Invok
import Synchronization

/// Temporary files in memory.
public final class SimSpool: Spool {
    private let effects: SimEffects

    public init(effects: SimEffects = SimEffects()) { self.effects = effects }

    public func make() async throws(SpoolError) -> any SpoolFile {
        try await effects.perform("spool.make", failure: SpoolError.unavailable) {
            () throws(SpoolError) in SimSpoolFile(effects)
        }
    }
}

private final class SimSpoolFile: SpoolFile {
    private let content = Mutex<[UInt8]>([])
    private let effects: SimEffects

    init(_ effects: SimEffects) { self.effects = effects }

    var count: Int { content.withLock { $0.count } }

    func append(_ bytes: [UInt8]) async throws(SpoolError) {
        try await effects.perform("spool.append", failure: SpoolError.unavailable) { () throws(SpoolError) in
            content.withLock { $0 += bytes }
        }
    }

    func read(_ range: Range<Int>) throws(InvokError) -> [UInt8] { content.withLock { Array($0[range]) } }
}
