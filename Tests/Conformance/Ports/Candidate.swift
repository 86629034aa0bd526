import Foundation
import Invok
import InvokEmbedded
import InvokPostgres
import InvokProxy
import InvokRegistry
import InvokSQLite
import InvokSim
import InvokSimNetwork
import Logging
import Synchronization
import TestSupport
import Testing

@testable import InvokRedis

/// An implementation of a port that has to keep the port's contract. Another one takes one line in its list.
struct Candidate<Fixture: Sendable>: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Makes a fresh, empty implementation, runs a test on it and takes it away again.
    let run: @Sendable (_ test: @escaping @Sendable (Fixture) async throws -> Void) async throws -> Void

    init(
        _ name: String,
        run: @escaping @Sendable (_ test: @escaping @Sendable (Fixture) async throws -> Void) async throws -> Void
    ) {
        testDescription = name
        self.run = run
    }

    /// A candidate that keeps what it has in a folder.
    static func inFolder(
        _ name: String, _ make: @escaping @Sendable (_ folder: String) async throws -> Fixture
    ) -> Candidate {
        Candidate(name) { test in
            let folder = FileManager.default.temporaryDirectory.appending(path: "invok-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            try await test(try await make(folder.path(percentEncoded: false)))
        }
    }
}

/// Those that need servers run where the world of production is asked for, and then fail without them.
private func inProduction<Fixture>(_ candidates: Candidate<Fixture>...) -> [Candidate<Fixture>] {
    WorldName.selected.contains(.production) ? candidates : []
}

private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// A store that outlives its process.
struct Durable<Port: Sendable>: Sendable {
    let port: Port
    /// The same store as the next process finds it.
    let reopen: @Sendable () async throws -> Port
}

/// A cache, and a way to let time pass for it.
struct TimedCache: Sendable {
    let cache: any CoordinationCache
    let pass: @Sendable (Duration) async throws -> Void
}

extension Candidate<Durable<any MetadataStore>> {
    static let metadataStores = Candidate<Durable<any MetadataStore & SealedStore & AccountStore>>.sealedStores.map {
        candidate in
        Candidate(candidate.testDescription) { test in
            try await candidate.run { stores in
                try await test(Durable(port: stores.port) { try await stores.reopen() })
            }
        }
    }
}

extension Candidate<Durable<any MetadataStore & SealedStore & AccountStore>> {
    static let sealedStores: [Candidate] =
        [
            Candidate("sim") { test in
                let store = SimMetadataStore()
                try await test(Durable(port: store) { store })
            },
            .inFolder("sqlite") { folder in
                let path = "\(folder)/invok.sqlite"
                return Durable(port: try SQLiteMetadataStore(path: path)) { try SQLiteMetadataStore(path: path) }
            },
        ]
        + inProduction(
            Candidate("postgres") { test in
                try await Services.withSchema { url in
                    let open = { @Sendable () async throws -> any MetadataStore & SealedStore & AccountStore in
                        try await PostgresMetadataStore.open(
                            PostgresTarget(url: url), clock: SystemClock(), logger: quiet)
                    }
                    try await test(Durable(port: try await open(), reopen: open))
                }
            })
}

extension Candidate<TimedCache> {
    static let caches: [Candidate] =
        [
            Candidate("sim") { test in
                let clock = SimClock()
                try await test(TimedCache(cache: SimCoordinationCache(clock: clock)) { clock.advance(by: $0) })
            },
            Candidate("in process") { test in
                let clock = SimClock()
                try await test(TimedCache(cache: InProcessCache(clock: clock)) { clock.advance(by: $0) })
            },
        ]
        + inProduction(
            Candidate("redis") { test in
                let prefix = "test:\(UUID().uuidString):"
                let cache = try await RedisCache.open(
                    RedisTarget(url: Services.redisURL()), prefix: prefix, clock: SystemClock(),
                    randomness: SystemRandomness(), logger: quiet)
                try await test(TimedCache(cache: cache) { try await cache.pass($0, prefix) })
                try await cache.pass(.seconds(3600), prefix)
                cache.close()
            })
}

/// A store of archives, and a way to damage one of those behind its back.
struct Artifacts: Sendable {
    let store: any ArtifactStore
    /// The same store as the next process finds it.
    let reopen: @Sendable () async throws -> any ArtifactStore
    let damage: @Sendable (Digest) async throws -> Void
}

extension Candidate<Artifacts> {
    static let artifactStores: [Candidate] =
        [
            Candidate("sim") { test in
                let store = SimArtifactStore()
                try await test(Artifacts(store: store, reopen: { store }, damage: { store.corrupt($0) }))
            },
            .inFolder("files") { folder in
                let open = { @Sendable () throws -> any ArtifactStore in try FileArtifactStore(directory: folder) }
                return Artifacts(store: try open(), reopen: open) { digest in
                    let file = try FileHandle(
                        forUpdating: URL(filePath: "\(folder)/\(digest.description.prefix(2))/\(digest)"))
                    try file.seek(toOffset: file.seekToEnd() - 1)
                    try file.write(contentsOf: [0xAA])
                    try file.close()
                }
            },
        ]
        + inProduction(
            Candidate("postgres") { test in
                try await Services.withSchema { url in
                    let target = try PostgresTarget(url: url)
                    try await PostgresMetadataStore.open(target, clock: SystemClock(), logger: quiet).close()
                    let open = { @Sendable () -> any ArtifactStore in
                        PostgresArtifactStore(target, spool: SimSpool(), clock: SystemClock(), logger: quiet)
                    }
                    let damage = { @Sendable (digest: Digest) async throws -> Void in
                        try await Services.sql(
                            """
                            UPDATE artifact_part SET content = set_byte(content, octet_length(content) - 1, 170)
                            WHERE digest = '\(digest)'
                                AND number = (SELECT max(number) FROM artifact_part WHERE digest = '\(digest)')
                            """, in: url)
                    }
                    try await test(Artifacts(store: open(), reopen: open, damage: damage))
                }
            })
}

extension Candidate<any Spool> {
    static let spools: [Candidate] = [
        Candidate("sim") { test in try await test(SimSpool()) },
        .inFolder("files") { folder in try FileSpool(directory: folder) },
    ]
}

extension Candidate<Packages> {
    static let packageSources: [Candidate] = [
        Candidate("sim") { test in
            let source = SimPackageSource()
            let url = { @Sendable (path: String) in "https://registry.test\(path)" }
            source.set(.away, at: "https://away.test/")
            try await test(
                Packages(
                    source: source,
                    put: { source.put(.init($1, contentType: $2, tag: $3), at: url($0)) },
                    redirect: { source.put(.init(sendingTo: $1), at: url($0)) },
                    cut: { source.set(.cutOff($1), at: url($0)) }, url: url, awayURL: "https://away.test/"))
        },
        Candidate("http") { test in
            try await TestRegistry.run { registry in
                let source = HTTPPackageSource(RegistrySettings.read(environment: [:]), environment: [:])
                let page = Mutex<[String: TestRegistry.Page]>([:])
                let change = { @Sendable (path: String, change: @Sendable (inout TestRegistry.Page) -> Void) in
                    var changed = page.withLock { $0[path] } ?? TestRegistry.Page([])
                    change(&changed)
                    page.withLock { $0[path] = changed }
                    registry.put(changed, at: path)
                }
                do {
                    try await test(
                        Packages(
                            source: source,
                            put: { path, bytes, type, tag in
                                change(path) { $0 = TestRegistry.Page(bytes, type: type, tag: tag) }
                            },
                            redirect: { path, location in
                                change(path) { page in
                                    page.status = 302
                                    page.fields["Location"] = location
                                }
                            },
                            cut: { path, count in change(path) { $0.cutAt = count } },
                            url: { registry.url + $0 }, awayURL: "http://127.0.0.1:1/"))
                } catch {
                    await source.close()
                    throw error
                }
                await source.close()
            }
        },
    ]
}

extension Candidate<any DataDisk> {
    static let disks: [Candidate] = [
        Candidate("sim") { test in try await test(SimDisk(clock: SimClock())) },
        .inFolder("file system") { folder in FileSystemDisk(of: folder) },
    ]
}

/// A network, and addresses on it where nobody listens.
struct NetworkFixture: Sendable {
    let network: any ByteNetwork
    let freeAddress: @Sendable () -> NetworkAddress
    /// More bytes than the systems of both sides keep of what nobody reads.
    var large = 24 << 20
}

extension Candidate<NetworkFixture> {
    static let networks: [Candidate] = [
        // Each seed has connections that cut and join what goes over them in ways of its own.
        Candidate("sim") { test in
            for seed in UInt64(1)...12 { try await simulated(seed, test) }
        },
        .inFolder("unix sockets") { folder in
            let number = Mutex(0)
            return NetworkFixture(network: SocketNetwork()) {
                .unixSocket(path: "\(folder)/\(number.withLock { $0 += 1; return $0 })")
            }
        },
        Candidate("TCP") { test in
            try await test(NetworkFixture(network: SocketNetwork()) { .host("127.0.0.1", port: 0) })
        },
    ]

    private static func simulated(
        _ seed: UInt64, _ test: @escaping @Sendable (NetworkFixture) async throws -> Void
    ) async throws {
        let clock = SimClock()
        let failure = Mutex<(any Error)?>(nil)
        let number = Mutex(0)
        let report = await SimScheduler.run(seed: seed, onIdle: { clock.advanceToNextTimer() }) {
            let network = SimNetwork(seed: seed, clock: clock)
            var fixture = NetworkFixture(network: SimByteNetwork(network, of: network.host("test"))) {
                .unixSocket(path: "\(number.withLock { $0 += 1; return $0 })")
            }
            fixture.large = 400_000
            do { try await test(fixture) } catch { failure.withLock { $0 = error } }
            network.end()
        }
        if let error = failure.withLock({ $0 }) { throw error }
        #expect(report.end == .finished, "seed \(seed)")
        #expect(report.foreignJobs == 0, "seed \(seed)")
    }
}

extension Candidate<Durable<any LogStore>> {
    static let logStores: [Candidate] = [
        Candidate("sim") { test in
            let store = SimLogStore(maximumLines: 1000)
            try await test(Durable(port: store) { store })
        },
        .inFolder("files") { folder in
            let open = { @Sendable () throws -> any LogStore in
                try FileLogStore(directory: folder, maximumFileBytes: 64 * 1024)
            }
            return Durable(port: try open(), reopen: open)
        },
    ]
}

extension RedisCache {
    /// Lets time pass for the keys of a test: each of them lives so much shorter.
    fileprivate func pass(_ duration: Duration, _ prefix: String) async throws {
        let script = """
            for _, key in ipairs(redis.call('KEYS', ARGV[1] .. '*')) do
                redis.call('PEXPIRE', key, redis.call('PTTL', key) - ARGV[2])
            end
            """
        let milliseconds = duration / .milliseconds(1)
        let reply = try await send(["EVAL", script, "0", prefix, "\(Int(milliseconds))"])
        guard reply == .null else { throw NeverHappened(description: "time did not pass: \(reply)") }
    }
}
