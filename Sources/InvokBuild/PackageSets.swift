import Glibc
import Invok
import InvokPOSIX
import Synchronization

/// Packages that were installed for functions, kept for their next deploys: a set is a folder of files that are written once
/// and then read only, named by all that it follows from. The bundles that have it share its files.
///
/// Each namespace has its own, by runtime: what one tenant's build makes of a package, no other ever sees. Few are kept of
/// each, those that were used last.
final class PackageSets: Sendable {
    /// Of one namespace and runtime.
    static let kept = 4
    /// One that has not been used for so long goes.
    static let idleDays = 30

    /// The name of a set, below the directory.
    struct Key: Hashable, Sendable {
        let group: String
        let digest: Digest

        /// - Parameter inputs: what the packages follow from, besides whose and what they are.
        init(of namespace: Namespace, runtime: Runtime, inputs: Digest) {
            group = "\(namespace)-\(runtime.rawValue)"
            digest = inputs
        }

        var path: String { "\(group)/\(digest)" }
    }

    private let directory: String
    private let quarantine: Quarantine
    /// How many builds use each set now.
    private let uses = Mutex<[Key: Int]>([:])

    init(directory: String, quarantine: Quarantine) {
        self.directory = directory
        self.quarantine = quarantine
    }

    func path(of key: Key) -> String { "\(directory)/\(key.path)" }

    /// Keeps a set from being removed until `release`.
    func hold(_ key: Key) { uses.withLock { $0[key, default: 0] += 1 } }

    func release(_ key: Key) {
        uses.withLock { uses in
            uses[key, default: 0] -= 1
            if uses[key, default: 0] <= 0 { uses[key] = nil }
        }
    }

    /// Whether the set is there; it counts as used now. Blocks on the disk.
    func touch(_ key: Key) -> Bool { utimes(path(of: key), nil) == 0 }

    /// Makes a folder the set: after a crash it is there whole or not at all. Blocks on the disk.
    func publish(_ folder: String, as key: Key) throws(SystemError) {
        try Files.makeDirectories("\(directory)/\(key.group)", mode: 0o700)
        guard rename(folder, path(of: key)) == 0 || errno == ENOTEMPTY || errno == EEXIST else {
            throw SystemError("rename", folder)
        }
        try Files.synchronize("\(directory)/\(key.group)")
    }

    /// Removes the sets of the key's namespace and runtime that are too many, and those of all that nobody has used for long.
    /// Blocks on the disk.
    func removeOld(besides key: Key) {
        let now = time(nil)
        for group in Files.names(in: directory) {
            let sets = Files.names(in: "\(directory)/\(group)").compactMap { name -> (key: Key, usedAt: time_t)? in
                var status = stat()
                guard let digest = Digest(name), stat("\(directory)/\(group)/\(name)", &status) == 0 else { return nil }
                return (Key(group: group, digest: digest), status.st_mtim.tv_sec)
            }.sorted { $0.usedAt > $1.usedAt }
            let tooMany = group == key.group ? Array(sets.dropFirst(Self.kept)) : []
            let tooOld = sets.filter { now - $0.usedAt > Self.idleDays * 86_400 }
            for set in tooMany + tooOld where set.key != key && uses.withLock({ $0[set.key] }) == nil {
                quarantine.removeLater(path(of: set.key))
            }
            if sets.isEmpty { Files.removeDirectoryIfEmpty("\(directory)/\(group)") }
        }
    }
}

extension PackageSets.Key {
    fileprivate init(group: String, digest: Digest) {
        self.group = group
        self.digest = digest
    }
}
