import CLinux
import Glibc
import InvokPOSIX

/// Network namespaces (network_namespaces(7)) by their descriptors: the kernel takes one back, and the links into it, with
/// the last process and descriptor. So nothing is left of them when a server is killed.
package enum NetworkNamespace {
    /// That of the thread which calls.
    package static func current() throws(SystemError) -> Descriptor {
        try Descriptor.open("/proc/thread-self/ns/net", O_RDONLY)
    }

    /// Runs the body in another namespace. The thread must run nothing else meanwhile, and is the one of no pool.
    package static func within<Value>(
        _ namespace: Descriptor, _ body: () throws(SystemError) -> Value
    ) throws(SystemError) -> Value {
        let own = try current()
        try enter(namespace)
        defer { goBack(to: own) }
        return try body()
    }

    static func enter(_ namespace: Descriptor) throws(SystemError) {
        guard linux_setns(namespace.number, LINUX_CLONE_NEWNET) == 0 else { throw SystemError("setns") }
    }

    /// A thread that stayed would do the server's work in a function's network.
    private static func goBack(to own: Descriptor) {
        guard linux_setns(own.number, LINUX_CLONE_NEWNET) == 0 else {
            fatalError("a thread cannot leave a network namespace: \(SystemError("setns"))")
        }
    }

    /// Makes one, and runs the body in it.
    static func make<Value>(
        _ body: (Descriptor) throws(NetworkError) -> Value
    ) throws(NetworkError) -> Value {
        let own: Descriptor
        let new: Descriptor
        do throws(SystemError) {
            own = try current()
            guard linux_unshare(LINUX_CLONE_NEWNET) == 0 else { throw SystemError("unshare") }
        } catch {
            throw NetworkError(error)
        }
        defer { goBack(to: own) }
        do throws(SystemError) { new = try current() } catch { throw NetworkError(error) }
        return try body(new)
    }
}
