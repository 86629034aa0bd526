import Glibc
import Invok
import InvokPOSIX

/// Environments in the configurations of bundles that an older Invok made.
package enum BundleSecrets {
    /// Takes them out, in place: what has the bundle mounted goes on. A configuration appears whole or stays as it was, so
    /// that an end in between only leaves the rest to the next start. Its calls block on the disk.
    /// - Parameter directory: where the bundles lie, each by its digest.
    package static func remove(in directory: String) throws(SystemError) {
        for name in Files.names(in: directory) where Digest(name) != nil {
            try remove(fromBundle: "\(directory)/\(name)")
        }
    }

    private static func remove(fromBundle folder: String) throws(SystemError) {
        let path = "\(folder)/\(FunctionConfig.fileName)"
        guard Files.isPlainFile(path), let json = Files.read(path, limit: FunctionConfig.maximumBytes + 1),
            let config = try? FunctionConfig(json: json), let kept = config.withoutEnvironment
        else { return }
        var status = stat()
        guard lstat(path, &status) == 0 else { throw SystemError("read", path) }
        let new = "\(folder)/.\(FunctionConfig.fileName).new"
        try Files.write(kept, to: new, mode: status.st_mode & 0o777)
        try Files.synchronize(new)
        guard rename(new, path) == 0 else { throw SystemError("rename", path) }
        try Files.synchronize(folder)
    }
}
