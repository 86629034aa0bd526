import CLinux
import Glibc
import Invok
import InvokHost

/// The directory of one instance, with its request socket.
///
/// The instance makes the socket in `in`, which alone it sees. Once it is there the core moves it out and takes the
/// right to write away: what the core connects to is then out of the instance's reach, so that it cannot become a link
/// to another socket of the host, and the instance cannot fill the disk.
struct InstanceFolder: Sendable {
    static let socketName = "s"
    static let temporaryName = "s.new"

    let path: String

    /// - Parameter directory: where instances' directories lie. The name is short, since a socket's path is.
    init(of id: InstanceID, in directory: String) {
        path = directory + "/" + Digest(of: id.description.utf8).description.prefix(16)
    }

    /// What is bound into the container.
    var inner: String { path + "/in" }
    /// Where the core connects.
    var socket: String { path + "/" + Self.socketName }

    /// - Throws: also when there is one already.
    func make() throws(SystemError) {
        try Files.makeDirectory(path, mode: 0o700)
        // The container's user is nobody that this machine knows.
        try Files.makeDirectory(inner, mode: 0o777)
    }

    /// Takes the socket over.
    /// - Throws: when what lies there is no socket.
    func adopt() throws(SystemError) {
        guard rename(inner + "/" + Self.socketName, socket) == 0 else { throw SystemError("rename", socket) }
        guard Files.isSocket(socket) else { throw SystemError("use", socket, code: ENOTSOCK) }
        guard chmod(inner, 0o755) == 0 else { throw SystemError("chmod", inner) }
    }

    func remove() throws(SystemError) { try Files.removeTree(path) }
}

/// Waits for an instance's socket, by the kernel's word (inotify(7)).
final class SocketWatch: Sendable {
    enum Outcome: Hashable, Sendable {
        /// It accepts, and is the core's.
        case ready
        /// Something else came about in the directory; only an instance that means harm does that.
        case misused(String)
        case cancelled
    }

    private let outcome = Event<Outcome>()
    private let notifications: Descriptor

    /// Watches from now on.
    init(_ folder: InstanceFolder, on thread: EventThread) throws(SystemError) {
        let number = inotify_init1(Int32(O_NONBLOCK) | Int32(O_CLOEXEC))
        guard number >= 0 else { throw SystemError("inotify_init1") }
        notifications = Descriptor(number)
        let events = UInt32(IN_CREATE | IN_MOVED_TO | IN_MODIFY)
        guard inotify_add_watch(number, folder.inner, events) >= 0 else {
            throw SystemError("inotify_add_watch", folder.inner)
        }
        thread.watch(notifications) { [outcome, notifications] in
            // Read until it is empty even behind the outcome: the descriptor is level-triggered.
            switch Self.read(notifications, folder) {
            case nil: return .more
            case let found?:
                outcome.signal(found)
                return .done
            }
        }
    }

    /// Ends the wait early.
    func cancel() { outcome.signal(.cancelled) }

    func wait() async -> Outcome { await outcome.wait() }

    private static func read(_ notifications: Descriptor, _ folder: InstanceFolder) -> Outcome? {
        withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
            do throws(SystemError) {
                guard let count = try notifications.readSome(into: buffer) else { return nil }
                var offset = 0
                while offset + MemoryLayout<inotify_event>.size <= count {
                    let event = buffer.loadUnaligned(fromByteOffset: offset, as: inotify_event.self)
                    let start = offset + MemoryLayout<inotify_event>.size
                    let name = String(
                        decoding: buffer[start..<(start + Int(event.len))].prefix { $0 != 0 }, as: UTF8.self)
                    if let outcome = try judge(event.mask, name, folder) { return outcome }
                    offset = start + Int(event.len)
                }
                return nil
            } catch {
                return .misused("\(error)")
            }
        }
    }

    /// The shims make the socket under another name and rename it once it accepts, and nothing else.
    private static func judge(_ mask: UInt32, _ name: String, _ folder: InstanceFolder) throws(SystemError) -> Outcome?
    {
        switch mask {
        case UInt32(IN_CREATE) where name == InstanceFolder.temporaryName: return nil
        case UInt32(IN_MOVED_TO) where name == InstanceFolder.socketName:
            try folder.adopt()
            return .ready
        case UInt32(IN_IGNORED): return .cancelled
        default: return .misused("it wrote into the directory of its socket")
        }
    }
}
