import CLinux
import Glibc

/// Removes a directory tree whatever hostile code made of it: any bytes in names, any depth, folders that nobody may enter.
///
/// It is flattened on the way: a folder inside a folder moves up to the top before its turn comes. So there are never
/// more than three descriptors, no path, and no recursion, however deep the tree is. It follows no link and crosses into
/// no other file system.
struct TreeRemoval: ~Copyable {
    private var top: DirectoryStream
    private let device: dev_t
    private var lastName = 0
    /// What could not be removed first; the rest was tried all the same.
    private var failure: SystemError?

    /// Removes the file or the directory with all in it; does nothing when there is none.
    /// - Throws: the first of what could not be done; what could is done.
    static func remove(_ path: String) throws(SystemError) {
        let name = path.nameForCalls
        guard let error = unlink(name, in: AT_FDCWD) else { return }
        guard error.isDirectory else { throw error.cause }
        let top = try open(name, in: AT_FDCWD)
        var status = stat()
        guard fstat(top.number, &status) == 0 else { throw SystemError("stat", path) }
        var removal = TreeRemoval(top: top, device: status.st_dev)
        removal.removeContents()
        if let failure = removal.failure { throw failure }
        guard rmdir(path) == 0 || errno == ENOENT else { throw SystemError("rmdir", path) }
    }

    private init(top: consuming DirectoryStream, device: dev_t) {
        self.top = top
        self.device = device
    }

    /// Passes over the top until one finds nothing, or nothing that can be removed.
    private mutating func removeContents() {
        while true {
            var (found, removed) = (0, 0)
            while let name = top.next() {
                found += 1
                if removeFromTop(name) { removed += 1 }
            }
            if found == 0 { failure = nil }
            guard removed > 0 else { return }
            top.rewind()
        }
    }

    /// - Returns: whether that has changed anything, so that another pass is worth it.
    private mutating func removeFromTop(_ name: DirectoryStream.Name) -> Bool {
        guard let error = Self.unlink(name, in: top.number) else { return true }
        guard error.isDirectory else { return fail(error.cause) }
        if unlinkat(top.number, name, AT_REMOVEDIR) == 0 { return true }
        do throws(SystemError) {
            return try empty(name)
        } catch {
            return fail(error)
        }
    }

    private mutating func fail(_ error: SystemError) -> Bool {
        failure = failure ?? error
        return false
    }

    /// Removes what is in a folder of the top, moves its folders up, and then removes the folder.
    private mutating func empty(_ name: DirectoryStream.Name) throws(SystemError) -> Bool {
        var folder = try Self.open(name, in: top.number)
        var status = stat()
        guard fstat(folder.number, &status) == 0 else { throw SystemError("stat", DirectoryStream.printable(name)) }
        guard status.st_dev == device else {
            throw SystemError("remove the mount point", DirectoryStream.printable(name), code: EBUSY)
        }
        var changed = false
        while let child = folder.next() {
            if let error = Self.unlink(child, in: folder.number) {
                guard error.isDirectory else {
                    _ = fail(error.cause)
                    continue
                }
                guard unlinkat(folder.number, child, AT_REMOVEDIR) == 0 || moveUp(child, from: folder.number) else {
                    continue
                }
            }
            changed = true
        }
        if unlinkat(top.number, name, AT_REMOVEDIR) == 0 { return true }
        if !changed { _ = fail(SystemError("rmdir", DirectoryStream.printable(name))) }
        return changed
    }

    private mutating func moveUp(_ child: DirectoryStream.Name, from folder: Int32) -> Bool {
        // Who moves a folder writes its `..`, and so needs the right to write into it.
        do throws(SystemError) {
            try Self.unlock(child, in: folder)
        } catch {
            return fail(error)
        }
        while true {
            lastName += 1
            let name = ".invok-\(lastName)".nameForCalls
            if linux_renameat2(folder, child, top.number, name, LINUX_RENAME_NOREPLACE) == 0 { return true }
            guard errno == EEXIST else { return fail(SystemError("rename", DirectoryStream.printable(child))) }
        }
    }

    private struct UnlinkError {
        let cause: SystemError
        let isDirectory: Bool
    }

    private static func unlink(_ name: DirectoryStream.Name, in parent: Int32) -> UnlinkError? {
        if unlinkat(parent, name, 0) == 0 || errno == ENOENT { return nil }
        let cause = SystemError("unlink", DirectoryStream.printable(name))
        var status = stat()
        // The code alone does not tell: it is EPERM for a folder and for an immutable file.
        let isDirectory =
            fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_mode & S_IFMT == S_IFDIR
        return UnlinkError(cause: cause, isDirectory: isDirectory)
    }

    /// Opens a folder, also one that its owner may not enter.
    private static func open(_ name: DirectoryStream.Name, in parent: Int32) throws(SystemError) -> DirectoryStream {
        try unlock(name, in: parent)
        return try DirectoryStream(name, in: parent)
    }

    /// Gives its owner all rights to the folder. By a descriptor, since chmod(2) of a name follows a link that has taken
    /// the folder's place.
    private static func unlock(_ name: DirectoryStream.Name, in parent: Int32) throws(SystemError) {
        let number = openat(parent, name, LINUX_O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw SystemError("open", DirectoryStream.printable(name)) }
        let handle = Descriptor(number)
        var status = stat()
        guard fstat(handle.number, &status) == 0 else { throw SystemError("stat", DirectoryStream.printable(name)) }
        if status.st_mode & 0o700 == 0o700 { return }
        // fchmod(2) takes no such descriptor. Where it is not ours to change, what follows says so.
        chmod("/proc/self/fd/\(handle.number)", 0o700)
    }
}
