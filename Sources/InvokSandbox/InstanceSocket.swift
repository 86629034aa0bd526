import Glibc
import InvokHost

/// The unix socket that an instance accepts on, bound by the core so that connections queue from the first moment.
enum InstanceSocket {
    static let backlog: Int32 = 1024

    /// Binds and listens.
    /// - Parameter path: of at most 107 bytes (unix(7)).
    static func listen(at path: String) throws(SystemError) -> Descriptor {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw SystemError("socket") }
        let listening = Descriptor(number)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
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
        guard Glibc.listen(number, backlog) == 0 else { throw SystemError("listen", path) }
        return listening
    }
}
