import Glibc
import Invok
import InvokPOSIX

/// Secrets in bundles: environments in the configurations of those that an older Invok made, and what a build has left.
package enum BundleSecrets {
    /// Takes them out, in place: what has the bundle mounted goes on. A configuration appears whole or stays as it was, so
    /// that an end in between only leaves the rest to the next start. Its calls block on the disk.
    /// - Parameter directory: where the bundles lie, each by its digest.
    package static func remove(in directory: String) throws(SystemError) {
        for name in Files.names(in: directory) where Digest(name) != nil {
            try remove(fromBundle: "\(directory)/\(name)")
        }
    }

    /// The first secret that a build has left in what is to be kept. Only values that are long enough to be told from what
    /// is none are looked for. Blocks on the disk.
    static func find(
        _ secrets: [SecretName: SecretValue], below folder: String
    ) throws(SystemError) -> (name: SecretName, path: String)? {
        let needles = secrets.map { (name: $0.key, bytes: Array($0.value.text.utf8)) }.filter { $0.bytes.count >= 6 }
            .sorted { $0.name < $1.name }
        var folders = needles.isEmpty ? [] : [""]
        while let at = folders.popLast() {
            for name in Files.names(in: folder + at) {
                let path = "\(at)/\(name)"
                if Files.isDirectory(folder + path) { folders.append(path) }
                guard Files.isPlainFile(folder + path) else { continue }
                if let found = try find(needles, in: folder + path) { return (found, String(path.dropFirst())) }
            }
        }
        return nil
    }

    private static func find(
        _ needles: [(name: SecretName, bytes: [UInt8])], in path: String
    ) throws(SystemError) -> SecretName? {
        let file = try Descriptor.open(path, O_RDONLY | O_NOFOLLOW)
        var status = stat()
        guard fstat(file.number, &status) == 0 else { throw SystemError("read", path) }
        let count = Int(status.st_size)
        guard count > 0 else { return nil }
        // Nobody but the core reaches what was received.
        guard let bytes = mmap(nil, count, PROT_READ, MAP_PRIVATE, file.number, 0), bytes != MAP_FAILED else {
            throw SystemError("read", path)
        }
        defer { munmap(bytes, count) }
        return needles.first { contains($0.bytes, in: UnsafeRawBufferPointer(start: bytes, count: count)) }?.name
    }

    private static func contains(_ needle: [UInt8], in bytes: UnsafeRawBufferPointer) -> Bool {
        guard var at = bytes.baseAddress, let first = needle.first else { return false }
        var left = bytes.count
        while left >= needle.count, let found = memchr(at, Int32(first), left - needle.count + 1) {
            if memcmp(found, needle, needle.count) == 0 { return true }
            let next = UnsafeRawPointer(found) + 1
            left -= next - at
            at = next
        }
        return false
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
