import Foundation
import Glibc
import Invok
import InvokHost
import Testing

@testable import InvokDocker

@Suite struct InstanceFolderTests {
    private let directory = NSTemporaryDirectory() + "invok-folder-\(UUID().uuidString.prefix(8))"
    private let thread: EventThread
    private let folder: InstanceFolder

    init() throws {
        thread = try EventThread()
        let name = try FunctionName("hello")
        let version = VersionKey(
            function: FunctionKey(namespace: UUIDValue(high: 1, low: 2), name: name), number: 1)
        folder = InstanceFolder(of: InstanceID(version: version, ordinal: 1), in: directory)
        try Files.makeDirectories(directory, mode: 0o700)
        try folder.make()
    }

    /// As the shims do it.
    private func bindSocket(at path: String) -> Int32 {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(result == 0 && listen(number, 1) == 0)
        return number
    }

    @Test func theSocketBecomesTheCoresAndTheDirectoryIsClosed() async throws {
        let watch = try SocketWatch(folder, on: thread)
        let socket = bindSocket(at: folder.inner + "/s.new")
        #expect(rename(folder.inner + "/s.new", folder.inner + "/s") == 0)
        #expect(await watch.wait() == .ready)
        #expect(Files.isSocket(folder.socket))
        #expect(Files.names(in: folder.inner).isEmpty)
        var status = stat()
        #expect(stat(folder.inner, &status) == 0 && status.st_mode & 0o777 == 0o755)
        close(socket)
        try folder.remove()
        #expect(!Files.exists(folder.path))
    }

    /// A link would make the core speak to any socket of the host, as to Docker's own.
    @Test func aLinkIsNoSocket() async throws {
        let watch = try SocketWatch(folder, on: thread)
        let socket = bindSocket(at: directory + "/victim")
        #expect(symlink(directory + "/victim", directory + "/link") == 0)
        #expect(rename(directory + "/link", folder.inner + "/s") == 0)
        guard case .misused = await watch.wait() else {
            Issue.record("the link was taken for a socket")
            return
        }
        close(socket)
    }

    @Test(arguments: ["file", "s", "s.new2"])
    func whoeverWritesThereIsFound(_ name: String) async throws {
        let watch = try SocketWatch(folder, on: thread)
        try Files.write([1], to: folder.inner + "/" + name, mode: 0o600)
        #expect(await watch.wait() == .misused("it wrote into the directory of its socket"))
    }

    @Test func aFileInPlaceOfTheSocketIsFound() async throws {
        let watch = try SocketWatch(folder, on: thread)
        try Files.write([1, 2, 3], to: folder.inner + "/s.new", mode: 0o600)
        #expect(await watch.wait() == .misused("it wrote into the directory of its socket"))
    }

    @Test func theWaitEndsWithTheDirectoryAndWhenCancelled() async throws {
        let first = try SocketWatch(folder, on: thread)
        first.cancel()
        #expect(await first.wait() == .cancelled)
        let second = try SocketWatch(folder, on: thread)
        try folder.remove()
        #expect(await second.wait() == .cancelled)
    }
}
