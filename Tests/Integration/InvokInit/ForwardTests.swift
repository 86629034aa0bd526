import Foundation
import InvokPOSIX
import TestSupport
import Testing

@testable import InvokInit

/// `invok-init forward`: from a port of loopback to a unix socket.
@Suite(.timeLimit(.minutes(1)))
struct ForwardTests {
    private let folder: TemporaryFolder
    private let program: String

    init() throws {
        folder = try TemporaryFolder()
        program = try HandOver.install(in: folder.path)
    }

    private var socket: String { folder.path + "/socket" }

    /// Runs it until it has gone into the background.
    private func forward(_ arguments: String...) async throws -> (status: Int32, said: String) {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = ["forward"] + arguments
        let errors = Pipe()
        process.standardError = errors
        let ended = ProcessEnd(of: process)
        try process.run()
        await ended.wait()
        // It ends only if the background holds no end of the pipe.
        let said = try errors.fileHandleForReading.readToEnd() ?? Data()
        return (process.terminationStatus, String(decoding: said, as: UTF8.self))
    }

    /// A port that is free, and stays so with some luck.
    private func freePort() async throws -> Int {
        try await ByteServer.run { _ in
        } body: { port in
            port
        }
    }

    @Test func bytesGoBothWaysAndHalfOfItMayEnd() async throws {
        let port = try await freePort()
        try await ByteServer.run(unixSocket: socket) { connection in
            let bytes = try await connection.rest()
            try await connection.write(bytes.reversed())
        } body: {
            #expect(try await forward("\(port)", socket).status == 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                // More than it takes at a time.
                for index in 0..<100 {
                    group.addTask {
                        let connection = try await ByteConnection.connect(port: port)
                        let bytes = (0..<index * 4000).map { UInt8(truncatingIfNeeded: $0 &* 31 + index) }
                        try await connection.write(bytes)
                        try await connection.finish()
                        #expect(try await connection.rest() == bytes.reversed())
                    }
                }
                try await group.waitForAll()
            }
        }
        try await endsBySelf(port)
    }

    /// Once nobody listens any more, the next connection ends it.
    private func endsBySelf(_ port: Int) async throws {
        try Files.remove(socket)
        try await eventually("the forwarder has ended") {
            guard let connection = try? await ByteConnection.connect(port: port) else { return true }
            try? await connection.closed()
            return false
        }
    }

    @Test func theServersEndIsTheTools() async throws {
        let port = try await freePort()
        try await ByteServer.run(unixSocket: socket) { connection in
            try await connection.write("hello")
        } body: {
            #expect(try await forward("\(port)", socket).status == 0)
            let connection = try await ByteConnection.connect(port: port)
            #expect(try await connection.rest() == Array("hello".utf8))
        }
        try await endsBySelf(port)
    }

    @Test func saysWhyItCannot() async throws {
        let absent = try await forward("8901", socket)
        #expect(absent.status == 125 && absent.said.contains("the package registries cannot be reached"))
        for port in ["0", "65536", "http", ""] {
            let wrong = try await forward(port, socket)
            #expect(wrong.status == 125 && wrong.said.contains("a number from 1 to 65535"))
        }
        try await ByteServer.run(unixSocket: socket) { _ in
        } body: {
            try await ByteServer.run { _ in
            } body: { taken in
                let result = try await forward("\(taken)", socket)
                #expect(result.status == 125 && result.said.contains("the port cannot be listened on"))
            }
        }
    }
}
