import Glibc
import Invok
import InvokPOSIX
import InvokRuntimes

/// Go's standard library, compiled by the core itself and shared by all installations of a user.
///
/// A build sees it read-only and writes into a cache of its own in memory, which ends with it: what one tenant's build
/// writes, no other ever sees. Entries only ever come in, each by one rename, so that a build may read while another
/// core adds; whoever adds holds the lock.
package struct GoBuildCache: Sendable {
    /// In the order in which they are made: what every function needs comes first.
    package enum Part: String, CaseIterable, Sendable {
        case template
        case usual

        var packages: [String] {
            switch self {
            case .template: GoPackages.template
            case .usual: GoPackages.usual
            }
        }
    }

    private let path: String

    package init(directory: String, tool: BuildTool) {
        path = "\(directory)/go-\(tool.identity)-\(RuntimeSupport.of(.go).recipeVersion)"
    }

    /// The entries, as `GOCACHE` lays them out; there once the first part is.
    package var entries: String { path + "/entries" }
    /// Where whoever holds the lock has Go write what is new.
    package var incoming: String { path + "/incoming" }

    package func has(_ part: Part) -> Bool { Files.exists("\(path)/\(part.rawValue)") }

    /// The exclusive right to add to it, for as long as the value lives; a process that dies loses it.
    /// - Returns: `nil` while another has it.
    package func lock() throws(SystemError) -> Descriptor? {
        try Files.makeDirectories(path, mode: 0o700)
        let lock = try Descriptor.open(path + "/lock", O_RDWR | O_CREAT)
        guard flock(lock.number, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw SystemError("lock", path) }
            return nil
        }
        return lock
    }

    /// Makes `incoming` empty. Only under the lock: what lies there is then of a core that has died.
    package func prepareIncoming() throws(SystemError) {
        try Files.removeTree(incoming)
        try Files.makeDirectory(incoming, mode: 0o777)
    }

    package func removeIncoming() { try? Files.removeTree(incoming) }

    /// Moves what Go wrote into `incoming` to the entries, and notes that the part is there. Only under the lock.
    package func adopt(_ part: Part) throws(SystemError) {
        let files = Files.names(in: incoming).flatMap { folder in
            Files.names(in: "\(incoming)/\(folder)").map { "\(folder)/\($0)" }
        }
        // An action names its data, so the data comes first. The links lead to entries that are there already.
        for suffix in ["-d", "-a"] {
            for file in files where file.hasSuffix(suffix) && Files.isPlainFile("\(incoming)/\(file)") {
                try adopt(file)
            }
        }
        try Files.write([], to: "\(path)/\(part.rawValue)", mode: 0o644)
    }

    private func adopt(_ file: String) throws(SystemError) {
        let (source, destination) = ("\(incoming)/\(file)", "\(entries)/\(file)")
        for folder in Files.folders(of: [file]) { try Files.makeDirectories("\(entries)/\(folder)", mode: 0o755) }
        if geteuid() == 0 {
            guard lchown(source, 0, 0) == 0 else { throw SystemError("chown", file) }
        }
        guard chmod(source, 0o644) == 0 else { throw SystemError("chmod", file) }
        guard rename(source, destination) == 0 else { throw SystemError("rename", file) }
    }

    // MARK: In a build

    /// Lets a build read the entries and write its own beside them, in memory.
    package func offer(to isolation: inout Isolation) {
        isolation.temporaryFolders.append(.init(path: Self.cache, bytes: 1 << 30))
        useEntries(in: &isolation)
    }

    /// Has a build write into `incoming`. Only under the lock, and for plans of Invok's own.
    package func write(from isolation: inout Isolation) {
        isolation.mounts.append(Isolation.Mount(source: incoming, destination: Self.cache, isWritable: true))
        useEntries(in: &isolation)
    }

    private static let cache = "/cache"

    private func useEntries(in isolation: inout Isolation) {
        isolation.environment["GOCACHE"] = Self.cache
        guard Files.isDirectory(entries) else { return }
        isolation.mounts.append(Isolation.Mount(source: entries, destination: "/gocache"))
        // No name or value becomes part of the script: the command comes in as its arguments. With the file, Go does not
        // look for old entries to remove, which would be work for nothing.
        let script = #"cp -rs /gocache/. /cache && date +%s >/cache/trim.txt && exec "$0" "$@""#
        isolation.command = ["/bin/sh", "-c", script] + isolation.command
    }
}
