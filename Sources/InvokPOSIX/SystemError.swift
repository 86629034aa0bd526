import Glibc

/// A system call that failed.
///
/// `description` names the call; `message` says what could not be done, for whoever need not know system calls.
package struct SystemError: Error, Hashable, CustomStringConvertible {
    package let call: String
    package let path: String
    package let code: Int32

    /// - Parameter code: `errno` as the call left it.
    package init(_ call: String, _ path: String = "", code: Int32 = errno) {
        self.call = call
        self.path = path
        self.code = code
    }

    /// There is no such file, or one is where a folder should be.
    package var isMissing: Bool { code == ENOENT || code == ENOTDIR }

    /// No space, no more allowed to this user, or no more allowed in one file.
    package var isFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }

    package var description: String { sentence(call) }

    /// In words: "cannot write /a/b: No space left on device".
    package var message: String {
        let verb =
            switch call {
            case "chmod": "change the mode of"
            case "fsync": "write"
            case "mkdir": "create"
            case "unlink": "remove"
            default: call
            }
        return sentence("cannot \(verb)")
    }

    private func sentence(_ beginning: String) -> String {
        let reason = String(cString: strerror(code))
        return path.isEmpty ? "\(beginning): \(reason)" : "\(beginning) \(path): \(reason)"
    }
}

/// Calls again when a signal interrupted the call.
package func retrying(_ body: () -> Int) -> Int {
    while true {
        let result = body()
        if result >= 0 || errno != EINTR { return result }
    }
}
