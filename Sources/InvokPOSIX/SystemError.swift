import Glibc

/// A system call that failed.
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

    /// No space, or no more allowed to this user.
    package var isFull: Bool { code == ENOSPC || code == EDQUOT }

    package var description: String {
        let reason = String(cString: strerror(code))
        return path.isEmpty ? "\(call): \(reason)" : "\(call) \(path): \(reason)"
    }
}

/// Calls again when a signal interrupted the call.
package func retrying(_ body: () -> Int) -> Int {
    while true {
        let result = body()
        if result >= 0 || errno != EINTR { return result }
    }
}
