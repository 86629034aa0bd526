import Glibc
import Invok
import InvokPOSIX
import InvokRuntimes

/// The folder of one build on the disk: what is staged, which the build may only read, and what becomes the bundle, which
/// it never sees. Its calls block on the disk.
package struct BuildFolder: Sendable {
    /// The folder itself, which only the core may enter.
    package let path: String
    /// The most that a build may have in `/build`, in bytes; charged to its memory, which is limited too.
    package var workBytes = 1536 << 20

    package init(path: String) { self.path = path }

    private var source: String { path + "/source" }
    /// What is kept.
    var bundle: String { path + "/bundle" }
    /// Where the package registries are served to the build.
    var registrySocket: String { path + "/registry" }

    /// Writes the files, a piece after the other.
    /// - Parameter executables: those that may be run.
    package func stage(
        _ files: [String: any ByteStream], executables: Set<String> = []
    ) throws(BuildError) {
        do throws(SystemError) {
            try Files.makeDirectory(path, mode: 0o700)
            // To be read by the build's user, which is known only later; no other user gets past the folder above.
            try Files.makeDirectory(source, mode: 0o755)
            for folder in Files.folders(of: files.keys) { try Files.makeDirectory("\(source)/\(folder)", mode: 0o755) }
        } catch {
            throw BuildError(writing: error)
        }
        do throws(CopyError<SystemError>) {
            for (name, content) in files {
                try Files.copy(content, to: "\(source)/\(name)", mode: executables.contains(name) ? 0o755 : 0o644)
            }
        } catch {
            throw BuildError(error)
        }
    }

    /// Puts files beside what was received, which has none of these names.
    package func add(_ files: [String: any ByteStream], executables: Set<String>) throws(BuildError) {
        let folders = Files.folders(of: files.keys)
        do throws(SystemError) {
            for folder in folders { try Files.makeDirectory("\(bundle)/\(folder)", mode: 0o755) }
        } catch {
            throw BuildError(writing: error)
        }
        do throws(CopyError<SystemError>) {
            for (name, content) in files {
                try Files.copy(content, to: "\(bundle)/\(name)", mode: executables.contains(name) ? 0o755 : 0o644)
            }
        } catch {
            throw BuildError(error)
        }
        do throws(SystemError) {
            // Those inside first; the bundle's own folder last.
            for path in files.keys + folders.reversed() { try Files.synchronize("\(bundle)/\(path)") }
            try Files.synchronize(bundle)
        } catch {
            throw BuildError(writing: error)
        }
    }

    /// Lets a command work in `/build`, which is memory, on what is staged. One that leaves a single folder finds the source
    /// there as it is, and cannot write to it; any other works on a copy.
    /// - Parameter output: what is kept of it; `nil` for nothing.
    package func offer(to isolation: inout Isolation, keeping output: BuildPlan.Output?) {
        isolation.temporaryFolders.append(.init(path: BuildStep.work, bytes: workBytes))
        switch output {
        case .folder(let name):
            for entry in Files.names(in: source) {
                isolation.mounts.append(.init(source: "\(source)/\(entry)", destination: "\(BuildStep.work)/\(entry)"))
            }
            isolation.command = BuildStep.wrap(isolation.command, keeping: name)
        case .everything, nil:
            isolation.mounts.append(.init(source: source, destination: BuildStep.source))
            isolation.command = BuildStep.wrap(isolation.command, keeping: output == nil ? "" : ".")
        }
    }

    /// The same of a command that works on a copy, of which all in one folder is kept; none is as an empty one.
    func offer(to isolation: inout Isolation, keepingAllIn folder: String) {
        isolation.temporaryFolders.append(.init(path: BuildStep.work, bytes: workBytes))
        isolation.mounts.append(.init(source: source, destination: BuildStep.source))
        isolation.command = BuildStep.wrap(isolation.command, keeping: ".", of: folder)
    }

    /// Takes what the build keeps.
    package func receiver() -> BundleReceiver { BundleReceiver(bundle, limit: workBytes) }

    /// Puts packages into what was received.
    /// - Parameter name: of the folder that they become; those above it are there.
    func add(_ packages: String, as name: String) throws(SystemError) {
        try Files.linkTree(packages, to: "\(bundle)/\(name)")
        try Files.synchronizeFileSystem(of: bundle)
    }

    /// Makes what was received the bundle at `destination`: after a crash it is there whole or not at all.
    package func publish(as destination: String) throws(SystemError) {
        guard rename(bundle, destination) == 0 || errno == ENOTEMPTY || errno == EEXIST else {
            throw SystemError("rename", destination)
        }
        try Files.synchronize(String(destination[..<(destination.lastIndex(of: "/") ?? destination.endIndex)]))
    }
}
