import Glibc
import Invok
import InvokPOSIX
import Synchronization

/// What was got from registries, in a folder of the core's: no build writes to it, so none can put something there for
/// another. Bounded by bytes, and the least recently used go. All of it can be got again.
final class PackageCache: Sendable {
    private struct State: Sendable {
        var index: CacheIndex
        var nextDraft = 0
        var isLoaded = false
    }

    private static let secretBytes = 32
    /// Drafts that were left behind by a core that ended.
    private static let leftoverSeconds = 86_400

    private let directory: String
    private let disk: WorkerPool
    private let state: Mutex<State>

    /// - Parameter directory: may be shared by several cores of one user; each counts what it knows of.
    init(directory: String, limitBytes: Int, disk: WorkerPool) {
        (self.directory, self.disk) = (directory, disk)
        state = Mutex(State(index: CacheIndex(limitBytes: limitBytes)))
    }

    private var packages: String { directory + "/packages" }
    private func path(_ key: String) -> String { "\(packages)/\(key)" }

    /// Makes the folder and looks at what is there, once.
    func prepare() async throws(SystemError) {
        try await disk.run { () throws(SystemError) in try self.load() }
    }

    private func load() throws(SystemError) {
        guard !state.withLock({ $0.isLoaded }) else { return }
        try Files.makeDirectories(packages, mode: 0o700)
        var found: [(key: String, bytes: Int, used: Int)] = []
        let now = time(nil)
        for name in try Files.list(packages) {
            var status = stat()
            guard lstat(path(name), &status) == 0 else { continue }
            if Digest(name) != nil {
                found.append((name, Int(status.st_size), status.st_mtim.tv_sec))
            } else if now - status.st_mtim.tv_sec > Self.leftoverSeconds {
                try Files.remove(path(name))
            }
        }
        let gone = state.withLock { state -> [String] in
            guard !state.isLoaded else { return [] }
            state.isLoaded = true
            return found.sorted { $0.used < $1.used }
                .flatMap { state.index.add($0.key, bytes: $0.bytes, checked: nil) }
        }
        for key in gone { try Files.remove(path(key)) }
    }

    /// A secret of this folder, made with it.
    func secret() async throws(SystemError) -> [UInt8] {
        try await disk.run { [directory] () throws(SystemError) in
            let path = directory + "/signing-key"
            if let kept = Files.read(path), kept.count == Self.secretBytes { return kept }
            var generator = SystemRandomNumberGenerator()
            let made = (0..<Self.secretBytes).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            let draft = "\(path).\(getpid())"
            try Files.write(made, to: draft, mode: 0o600)
            try Files.rename(draft, to: path)
            return made
        }
    }

    /// What is kept under the key.
    func open(_ key: String) async -> KeptPackage? {
        let path = path(key)
        let kept = await disk.run { () -> KeptPackage? in
            guard let file = try? Descriptor.open(path, O_RDONLY | O_NOFOLLOW) else { return nil }
            futimens(file.number, nil)
            return (try? KeptPackage(file)) ?? nil
        }
        state.withLock { if kept == nil { $0.index.remove(key) } else { $0.index.use(key) } }
        return kept
    }

    func draft(_ head: KeptPackage.Head, expecting hash: PackageHash? = nil) async throws(SystemError) -> PackageDraft {
        let number = state.withLock { state in
            state.nextDraft += 1
            return state.nextDraft
        }
        let path = path("draft-\(getpid())-\(number)-\(UInt32.random(in: .min ... .max))")
        return try await disk.run { () throws(SystemError) in try PackageDraft(path: path, head: head, expecting: hash)
        }
    }

    func keep(_ draft: PackageDraft, as key: String, now: Instant) async throws(SystemError) -> KeptPackage? {
        let path = path(key)
        let kept = try await disk.run { () throws(SystemError) in try draft.keep(as: path) }
        let gone = state.withLock { $0.index.add(key, bytes: kept?.count ?? 0, checked: now) }
        await disk.run { for other in gone { try? Files.remove(self.path(other)) } }
        return kept
    }

    func check(_ key: String, at now: Instant) { state.withLock { $0.index.check(key, at: now) } }

    func isFresh(_ key: String, within limit: Duration, now: Instant) -> Bool {
        state.withLock { $0.index.isFresh(key, within: limit, now: now) }
    }

    func onDisk<Value: Sendable>(
        _ work: @escaping @Sendable () throws(SystemError) -> Value
    ) async throws(SystemError) -> Value {
        try await disk.run(work)
    }
}
