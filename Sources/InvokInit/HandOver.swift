import CLinux
import Glibc
import InvokPOSIX

/// The core's side of what `invok-init` is told (InitMessage).
package enum HandOver {
    package static let programName = "invok-init"

    /// Puts the program into a folder.
    /// - Parameter mode: who may run it; by default this user, where it then changes its own user.
    /// - Returns: its path.
    package static func install(in folder: String, mode: mode_t = 0o500) throws(SystemError) -> String {
        let path = folder + "/" + programName
        // What runs keeps the one that it was started with.
        try Files.write(InitProgram.bytes, to: path + ".new", mode: mode)
        guard rename(path + ".new", path) == 0 else { throw SystemError("rename", path) }
        return path
    }

    /// The two ends of a stream socket, one of them for the program.
    package static func pair() throws(SystemError) -> (ours: Descriptor, theirs: Descriptor) {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw SystemError("socketpair")
        }
        let pair = (ours: Descriptor(ends[0]), theirs: Descriptor(ends[1]))
        guard fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 else { throw SystemError("fcntl") }
        return pair
    }

    /// Sends a message, which the socket has room for, at once.
    /// - Parameter listener: goes along; it becomes the command's descriptor 3.
    package static func send(
        _ message: [UInt8], to socket: Descriptor, listener: Descriptor? = nil
    ) throws(SystemError) {
        let sent = retrying { linux_send(socket.number, message, message.count, listener?.number ?? -1) }
        guard sent == message.count else { throw SystemError("sendmsg", code: sent < 0 ? errno : EMSGSIZE) }
    }

    /// Reads whether the program is confined.
    /// - Returns: `false` when it has not said so yet.
    /// - Throws: when it ended instead.
    package static func isConfined(_ socket: Descriptor) throws(SystemError) -> Bool {
        try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { (buffer) throws(SystemError) in
            guard let count = try socket.readSome(into: buffer) else { return false }
            guard count == 1, buffer[0] == InitMessage.ready else { throw SystemError("read", code: EPIPE) }
            return true
        }
    }
}
