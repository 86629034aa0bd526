import HTTPTypes
import Invok
import InvokSim
import Synchronization
import TestSupport

/// A cache that is away.
final class AbsentCache: CoordinationCache {
    func increment(_ key: String, by amount: Int, window: Duration) async throws(CacheError) -> CounterReading {
        throw .unavailable("away")
    }
    func acquireLease(_ key: String, holder: String, duration: Duration) async throws(CacheError) -> Bool {
        throw .unavailable("away")
    }
    func releaseLease(_ key: String, holder: String) async throws(CacheError) { throw .unavailable("away") }
    func isLeased(_ key: String) async throws(CacheError) -> Bool { throw .unavailable("away") }
    func publish(_ message: String, to channel: String) async throws(CacheError) { throw .unavailable("away") }
    func messages(on channel: String) -> AsyncStream<String> { AsyncStream { $0.finish() } }
    func check() async throws(CacheError) { throw .unavailable("away") }
}

/// Builds when the gate opens.
final class HeldBuilder: FunctionBuilder {
    let gate = Gate()
    private let base: any FunctionBuilder
    private let running = Mutex((now: 0, most: 0))

    init(_ base: any FunctionBuilder) { self.base = base }

    /// The most builds that ran at one time.
    var mostAtOnce: Int { running.withLock { $0.most } }

    func build(
        _ source: SourceArchive, artifact: Digest, of namespace: Namespace, in context: BuildContext
    ) async throws(BuildError) -> BuildResult {
        running.withLock { running in
            running.now += 1
            running.most = max(running.most, running.now)
        }
        defer { running.withLock { $0.now -= 1 } }
        await gate.pass()
        if Task.isCancelled { throw .cancelled }
        return try await base.build(source, artifact: artifact, of: namespace, in: context)
    }
    func bundle(of artifact: Digest, for runtime: Runtime) -> BundleID { base.bundle(of: artifact, for: runtime) }
    func bundles() async throws(BuildError) -> Set<BundleID> { try await base.bundles() }
    func remove(_ bundle: BundleID) async throws(BuildError) { try await base.remove(bundle) }
}

/// Waits at one gate before it stores an archive, and at another one behind it.
final class HeldArtifacts: ArtifactStore {
    private let base: any ArtifactStore
    private let before: Gate
    private let after: Gate

    init(_ base: any ArtifactStore, before: Gate, after: Gate) {
        self.base = base
        self.before = before
        self.after = after
    }

    func put(_ source: any ByteSource) async throws(ArtifactError) -> Digest {
        await before.pass()
        let digest = try await base.put(source)
        await after.pass()
        return digest
    }
    func open(_ digest: Digest) async throws(ArtifactError) -> any ByteSource { try await base.open(digest) }
    func remove(_ digest: Digest) async throws(ArtifactError) { try await base.remove(digest) }
    func list() async throws(ArtifactError) -> Set<Digest> { try await base.list() }
}

/// Refuses the first exchanges with functions, after reading so many chunks of the body.
final class RefusingTransport: InstanceTransport {
    private let base: any InstanceTransport
    private let left: Mutex<Int>
    private let chunks: Int

    init(_ base: any InstanceTransport, refusals: Int, readingChunks chunks: Int = 0) {
        self.base = base
        left = Mutex(refusals)
        self.chunks = chunks
    }

    func exchange(
        _ request: InvocationRequest, with endpoint: InstanceEndpoint, sink: any ResponseSink,
        workEnded: @escaping @Sendable () -> Void
    ) async throws(TransportError) {
        let isReadiness = request.head.path == "/_invok/ready"
        let refuses =
            !isReadiness
            && left.withLock { left in
                defer { left -= 1 }
                return left > 0
            }
        guard refuses else { return try await base.exchange(request, with: endpoint, sink: sink, workEnded: workEnded) }
        for _ in 0..<chunks { _ = try? await request.body.next() }
        throw .refused("nothing listens there")
    }
}

final class ListBody: RequestBody {
    private let chunks: Mutex<ArraySlice<[UInt8]>>

    init(_ text: String...) { chunks = Mutex(text.map { Array($0.utf8) }[...]) }

    var isEmpty: Bool { chunks.withLock { $0.isEmpty } }
    func next() async throws -> [UInt8]? { chunks.withLock { $0.popFirst() } }
}

/// Counts from 1.
final class Counter: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}

/// The order in which numbers came.
final class Order: Sendable {
    private let state = Mutex<[Int]>([])

    var numbers: [Int] { state.withLock { $0 } }
    func append(_ number: Int) { state.withLock { $0.append(number) } }
}

/// Does something while it hashes.
struct MeddlingHasher: PasswordHasher {
    let base: SimPasswordHasher
    let meddle: @Sendable () async -> Void

    func hash(_ password: Password) async throws(PasswordHashError) -> String {
        await meddle()
        return try await base.hash(password)
    }
    func verify(_ password: Password, against hash: String) async throws(PasswordHashError) -> Bool {
        try await base.verify(password, against: hash)
    }
    func needsRehash(_ hash: String) -> Bool { base.needsRehash(hash) }
}
