import CLinux
import Glibc

/// A unix socket that accepts from the moment it is there, bound by the core, so that connections queue while whoever
/// shall answer them is still starting.
package enum ListeningSocket {
    static let backlog: Int32 = 1024

    /// Binds and listens.
    /// - Parameters:
    ///   - folder: who gets the descriptor learns nothing of its path by getsockname(2): it is bound by way of a descriptor.
    ///   - mode: who may connect.
    package static func listen(_ name: String, in folder: String, mode: mode_t = 0o600) throws(SystemError)
        -> Descriptor
    {
        let path = folder + "/" + name
        let directory = try Descriptor.open(folder, LINUX_O_PATH | O_DIRECTORY)
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw SystemError("socket") }
        let listening = Descriptor(number)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array("/proc/self/fd/\(directory.number)/\(name)".utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
            throw SystemError("bind", path, code: ENAMETOOLONG)
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw SystemError("bind", path) }
        guard chmod(path, mode) == 0 else { throw SystemError("chmod", path) }
        guard Glibc.listen(number, backlog) == 0 else { throw SystemError("listen", path) }
        return listening
    }
}
