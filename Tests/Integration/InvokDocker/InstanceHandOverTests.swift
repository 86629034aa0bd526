import Foundation
import Glibc
import Invok
import InvokInit
import InvokPOSIX
import Testing

@testable import InvokDocker

/// The hand-over with the real program, outside of a container.
@Suite struct InstanceHandOverTests {
    private let directory = NSTemporaryDirectory() + "invok-folder-\(UUID().uuidString.prefix(8))"
    private let thread: EventThread
    private let folder: InstanceFolder
    private let nothing = InitMessage.Command(directory: "/", arguments: ["/bin/true"], environment: [:])

    init() throws {
        thread = try EventThread()
        let name = try FunctionName("hello")
        let version = VersionKey(
            function: FunctionKey(namespace: UUIDValue(high: 1, low: 2), name: name), number: 1)
        folder = InstanceFolder(of: InstanceID(version: version, ordinal: 1), in: directory)
        try Files.makeDirectories(directory, mode: 0o700)
        try folder.make()
    }

    /// - Returns: a socket that is connected to the path, or nothing.
    private func connection(to path: String) -> Descriptor? {
        let socket = Descriptor(Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket.number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        return result == 0 ? socket : nil
    }

    /// All that comes until the other side closes.
    private func rest(of socket: Descriptor) throws -> [UInt8] {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 1)
        defer { buffer.deallocate() }
        var bytes: [UInt8] = []
        while let count = try socket.readSome(into: buffer), count > 0 { bytes += buffer[..<count] }
        return bytes
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    @Test func theInstanceMayWriteNowhere() throws {
        let handOver = try InstanceHandOver(nothing, in: folder, on: thread)
        #expect(mode(folder.path) == 0o700 && mode(folder.inner) == 0o755)
        #expect(mode(folder.inner + "/invok-init") == 0o555 && mode(folder.socket) == 0o600)
        #expect(Files.names(in: folder.inner) == ["c", "invok-init"])
        handOver.cancel()
        try folder.remove()
        #expect(!Files.exists(folder.path))
    }

    @Test func theProgramGetsItsCommandVariablesAndSocket() async throws {
        var command = InitMessage.Command(
            directory: "/", arguments: ["sh", "-c", #"echo "$GREETING $TZ $OWN"; readlink /proc/self/fd/3"#],
            environment: ["GREETING": "a 'b' $c", "TZ": "UTC"])
        command.keepsVariables = true
        let handOver = try InstanceHandOver(command, in: folder, on: thread)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: folder.inner + "/invok-init")
        process.arguments = [folder.control]
        process.environment = ["OWN": "kept", "TZ": "Asia/Tokyo", "PATH": "/usr/bin:/bin"]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        #expect(await handOver.wait() == .done)
        let text = String(decoding: try #require(try output.fileHandleForReading.readToEnd()), as: UTF8.self)
        #expect(text.hasPrefix("a 'b' $c UTC kept\nsocket:["))
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        // Nobody has the socket any more: the core kept no copy.
        #expect(Files.names(in: folder.inner) == ["invok-init"])
        #expect(connection(to: folder.socket) == nil)
    }

    @Test func onlyOneConnectionIsTaken() async throws {
        let handOver = try InstanceHandOver(nothing, in: folder, on: thread)
        let first = try #require(connection(to: folder.control))
        let second = connection(to: folder.control)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64, alignment: 1)
        defer { buffer.deallocate() }
        // Its setup has come, so the name is gone.
        #expect(try first.readSome(into: buffer) == InitMessage.Setup().bytes.count)
        #expect(connection(to: folder.control) == nil)
        try first.writeAll([InitMessage.ready])
        #expect(await handOver.wait() == .done)
        #expect(try rest(of: first) == nothing.bytes)
        // It waited in line, where nobody took it.
        if let second { #expect((try? rest(of: second)) ?? [] == []) }
    }

    @Test func whoSaysSomethingElseGetsNothing() async throws {
        let handOver = try InstanceHandOver(nothing, in: folder, on: thread)
        let peer = try #require(connection(to: folder.control))
        try peer.writeAll([0])
        guard case .failed = await handOver.wait() else {
            Issue.record("it was handed over")
            return
        }
        #expect(try rest(of: peer) == InitMessage.Setup().bytes)
    }

    @Test func aCancelledOneEndsWhoeverIsConnected() async throws {
        let handOver = try InstanceHandOver(nothing, in: folder, on: thread)
        let peer = try #require(connection(to: folder.control))
        handOver.cancel()
        #expect(await handOver.wait() == .cancelled)
        // Reset where it had not been taken from the line yet.
        let received = (try? rest(of: peer)) ?? []
        #expect(received.isEmpty || received == InitMessage.Setup().bytes)
        try await whenGone(peer)
        #expect(connection(to: folder.socket) == nil)
        handOver.cancel()
    }

    /// Waits until the thread has done all before: what it holds is closed then.
    private func whenGone(_ peer: Descriptor) async throws { await thread.run { _ = peer } }
}
