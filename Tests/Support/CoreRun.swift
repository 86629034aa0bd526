public import Foundation
import Synchronization

/// One run of the server's executable that is expected to end by itself.
public struct CoreRun: Sendable {
    public let status: Int32
    public let output: String
    public let errors: String

    /// Runs it to its end, for at most a minute.
    /// - Parameters:
    ///   - environment: its whole environment.
    ///   - input: what it reads from stdin; a little, which a pipe holds.
    ///   - directory: its working directory.
    public static func run(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil, in directory: URL
    ) async throws -> CoreRun {
        let process = Process()
        process.executableURL = Products.url("invok-core")
        process.arguments = arguments
        process.environment = environment
        process.currentDirectoryURL = directory
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        if let input {
            let pipe = Pipe()
            try pipe.fileHandleForWriting.write(contentsOf: Data(input.utf8))
            try pipe.fileHandleForWriting.close()
            process.standardInput = pipe
        } else {
            process.standardInput = FileHandle.nullDevice
        }
        let ended = ProcessEnd(of: process)
        try process.run()
        let identifier = process.processIdentifier
        let limit = DispatchWorkItem { kill(identifier, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + 60, execute: limit)
        async let said = Self.text(of: output.fileHandleForReading)
        async let complained = Self.text(of: errors.fileHandleForReading)
        let texts = await (said, complained)
        limit.cancel()
        await ended.wait()
        return CoreRun(status: process.terminationStatus, output: texts.0, errors: texts.1)
    }

    /// In a thread of its own, since reading waits.
    private static func text(of handle: FileHandle) async -> String {
        await withCheckedContinuation { done in
            Thread.detachNewThread {
                done.resume(returning: String(decoding: handle.readDataToEndOfFile(), as: UTF8.self))
            }
        }
    }
}
