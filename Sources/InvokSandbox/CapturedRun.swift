import Glibc
import Invok
import InvokHost
import Synchronization

/// The output as it comes in on the events' thread.
private final class Capture: Sendable {
    private let output: Mutex<CappedOutput>
    let closed = Event<Void>()

    init(limit: Int) { output = Mutex(CappedOutput(limit: limit)) }

    var bytes: [UInt8] { output.withLock { $0.bytes } }

    func reader(of descriptor: Descriptor) -> EventThread.Handler {
        { [self] in
            withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
                do throws(SystemError) {
                    guard let count = try descriptor.readSome(into: buffer) else { return .more }
                    if count > 0 {
                        output.withLock { $0.append(buffer[..<count]) }
                        return .more
                    }
                } catch {}
                closed.signal()
                return .done
            }
        }
    }
}

extension SandboxLauncher {
    /// Runs a command to its end, both outputs together. Cancelling the task ends it at once.
    func run(_ sandbox: Sandbox, outputLimit: Int) async throws(LaunchError) -> CapturedRun {
        let (process, reading) = try await launchWithPipe(sandbox)
        return await withTaskCancellationHandler {
            let capture = Capture(limit: outputLimit)
            watch(reading, capture.reader(of: reading))
            let end = await process.ended()
            await cleanUp(process)
            await capture.closed.wait()
            return CapturedRun(
                status: end.status, output: capture.bytes, outOfMemoryKills: end.outOfMemoryKills)
        } onCancel: {
            process.kill()
        }
    }

    /// Our copy of the writing end is gone on return, so that the pipe ends with the sandbox.
    private func launchWithPipe(
        _ sandbox: Sandbox
    ) async throws(LaunchError) -> (process: SandboxProcess, reading: Descriptor) {
        let pipe = try Descriptor.launchPipe()
        return (try await launch(sandbox, output: pipe.writing, errors: pipe.writing).get(), pipe.reading)
    }
}

extension Descriptor {
    /// A pipe, its failure being one of the launch.
    static func launchPipe() throws(LaunchError) -> (reading: Descriptor, writing: Descriptor) {
        do throws(SystemError) {
            return try pipe()
        } catch {
            throw .failed(error)
        }
    }
}
