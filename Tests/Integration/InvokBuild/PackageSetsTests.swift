import Glibc
import Invok
import InvokPOSIX
import Logging
import TestSupport
import Testing

@testable import InvokBuild

struct PackageSetsTests {
    private let folder: TemporaryFolder
    private var directory: String { folder.path }
    private let sets: PackageSets

    init() throws {
        folder = try TemporaryFolder()
        sets = PackageSets(
            directory: folder.path + "/sets",
            quarantine: Quarantine(
                directory: folder.path + "/quarantine", threads: WorkerPool(threads: 1), logger: Logger(label: "test")))
    }

    private func key(_ number: Int, of namespace: UInt64 = 1, _ runtime: Runtime = .python) -> PackageSets.Key {
        PackageSets.Key(
            of: UUIDValue(high: namespace, low: 1), runtime: runtime, inputs: Digest(of: "\(number)".utf8))
    }

    /// A set that was used so many days ago.
    private func publish(_ key: PackageSets.Key, daysAgo: Int = 0) throws {
        try Files.makeDirectory(directory + "/new", mode: 0o755)
        try Files.write([1], to: directory + "/new/file", mode: 0o644)
        try sets.publish(directory + "/new", as: key)
        let time = timeval(tv_sec: Glibc.time(nil) - daysAgo * 86_400, tv_usec: 0)
        #expect(utimes(sets.path(of: key), [time, time]) == 0)
    }

    private func isThere(_ key: PackageSets.Key) -> Bool { Files.exists(sets.path(of: key) + "/file") }

    @Test func ofEachNamespaceAndRuntimeThoseStayThatWereUsedLast() throws {
        for number in 1...6 { try publish(key(number), daysAgo: 10 - number) }
        let others = [key(1, of: 2), key(1, .nodejs)]
        for other in others { try publish(other, daysAgo: 20) }
        #expect(sets.touch(key(1)))
        sets.hold(key(2))
        sets.removeOld(besides: key(6))
        #expect((1...6).filter { isThere(key($0)) } == [1, 2, 4, 5, 6])
        #expect(others.allSatisfy(isThere))
        sets.release(key(2))
        sets.removeOld(besides: key(6))
        #expect((1...6).filter { isThere(key($0)) } == [1, 4, 5, 6])
    }

    @Test func whatNobodyUsesForLongGoesWhoeverItIs() throws {
        let old = key(1, of: 2)
        try publish(old, daysAgo: 31)
        try publish(key(1))
        sets.removeOld(besides: key(1))
        #expect(!isThere(old) && isThere(key(1)))
        // The folder of a namespace without sets goes with the next look.
        sets.removeOld(besides: key(1))
        #expect(Files.names(in: directory + "/sets").count == 1)
    }

    @Test func oneThatIsThereAlreadyStays() throws {
        #expect(!sets.touch(key(1)))
        try publish(key(1))
        try publish(key(1))
        #expect(sets.touch(key(1)) && isThere(key(1)))
    }
}
