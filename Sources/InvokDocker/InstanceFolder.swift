import Glibc
import Invok
import InvokInit
import InvokPOSIX

/// The directory of one instance, with its request socket.
///
/// The instance sees the directory `in` alone, and can write nowhere in it: there are the program that it begins with, and
/// until that has connected, the socket over which it is handed what it is to run (InstanceHandOver).
struct InstanceFolder: Sendable {
    static let socketName = "s"
    static let controlName = "c"
    static let programName = HandOver.programName

    let path: String

    /// - Parameter directory: where instances' directories lie. The name is short, since a socket's path is.
    init(of id: InstanceID, in directory: String) {
        path = directory + "/" + Digest(of: id.description.utf8).description.prefix(16)
    }

    /// That of a build, which is handed its command likewise.
    init(ofBuild name: String, in directory: String) { path = directory + "/b" + name }

    /// What is bound into the container.
    var inner: String { path + "/in" }
    /// Where the core connects.
    var socket: String { path + "/" + Self.socketName }
    /// Where the container's first process connects.
    var control: String { inner + "/" + Self.controlName }

    /// - Throws: also when there is one already.
    func make() throws(SystemError) {
        try Files.makeDirectory(path, mode: 0o700)
        // The container's user is nobody that this machine knows.
        try Files.makeDirectory(inner, mode: 0o755)
        _ = try HandOver.install(in: inner, mode: 0o555)
    }

    func remove() throws(SystemError) { try Files.removeTree(path) }
}
