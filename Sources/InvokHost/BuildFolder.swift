import Glibc
import Invok
import InvokRuntimes

/// The folder of one build: what is staged, and what becomes the bundle. Its calls block on the disk.
package struct BuildFolder: Sendable {
    /// The folder itself, which only the core may enter.
    package let path: String
    /// What the build sees as `/build` and may write to.
    package var work: String { path + "/work" }

    /// How a build sees it. A build that leaves one file gets to write that file alone.
    package func mounts(for output: BuildPlan.Output) -> [Isolation.Mount] {
        switch output {
        case .everything: [Isolation.Mount(source: work, destination: "/build", isWritable: true)]
        case .file(let name):
            [
                Isolation.Mount(source: work, destination: "/build"),
                Isolation.Mount(source: "\(work)/\(name)", destination: "/build/\(name)", isWritable: true),
            ]
        }
    }

    /// - Parameter output: where it is one file, that is made, empty.
    package func stage(_ files: [String: [UInt8]], for output: BuildPlan.Output = .everything) throws(SystemError) {
        try Files.makeDirectory(path, mode: 0o700)
        // Writable for the build's user, which is known only later; no other user gets past the folder above.
        try Files.makeDirectory(work, mode: 0o777)
        for folder in Files.folders(of: files.keys) { try Files.makeDirectory("\(work)/\(folder)", mode: 0o777) }
        for (name, bytes) in files { try Files.write(bytes, to: "\(work)/\(name)", mode: 0o644) }
        if case .file(let name) = output { try Files.write([], to: "\(work)/\(name)", mode: 0o666) }
    }

    /// Makes what the build left the bundle at `destination`, durably: after a crash it is there whole or not at all.
    package func publish(_ output: BuildPlan.Output, as destination: String) throws(SystemError) {
        let bundle: String
        switch output {
        case .everything: bundle = work
        case .file(let name):
            bundle = path + "/bundle"
            try Files.makeDirectory(bundle, mode: 0o755)
            guard Files.isPlainFile("\(work)/\(name)") else { throw SystemError("keep", name, code: ENOENT) }
            guard rename("\(work)/\(name)", "\(bundle)/\(name)") == 0 else { throw SystemError("rename", name) }
        }
        let files = try Files.plainFiles(below: bundle)
        let isProgram = if case .file = output { true } else { false }
        for file in files { try Self.own("\(bundle)/\(file)", mode: isProgram ? 0o755 : 0o644) }
        for folder in Files.folders(of: files).reversed() + [""] { try Self.own("\(bundle)/\(folder)", mode: 0o755) }
        guard rename(bundle, destination) == 0 || errno == ENOTEMPTY || errno == EEXIST else {
            throw SystemError("rename", destination)
        }
        try Files.sync(String(destination[..<(destination.lastIndex(of: "/") ?? destination.endIndex)]))
    }

    /// The file becomes the core's, unchangeable for every build, and durable.
    private static func own(_ path: String, mode: mode_t) throws(SystemError) {
        if geteuid() == 0 {
            guard lchown(path, 0, 0) == 0 else { throw SystemError("chown", path) }
        }
        guard chmod(path, mode) == 0 else { throw SystemError("chmod", path) }
        try Files.sync(path)
    }

    /// Whether it takes more of the disk than that.
    package func exceeds(_ bytes: Int) -> Bool { Files.usedBytes(below: work, limit: bytes) > bytes }
}
