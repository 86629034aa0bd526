import Glibc
import Invok
import InvokBuild
import InvokConcurrency
import InvokPOSIX
import Synchronization

/// The output as it comes in on the events' thread.
private final class Capture: Sendable {
    private let output: Mutex<CappedOutput>
    private let onOutput: @Sendable (ArraySlice<UInt8>) -> Void
    let closed = OneShot<Void>()

    init(limit: Int, onOutput: @escaping @Sendable (ArraySlice<UInt8>) -> Void) {
        output = Mutex(CappedOutput(limit: limit))
        self.onOutput = onOutput
    }

    var bytes: [UInt8] { output.withLock { $0.bytes } }

    func reader(of descriptor: Descriptor) -> EventThread.Handler {
        { [self] in
            withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
                do throws(SystemError) {
                    guard let count = try descriptor.readSome(into: buffer) else { return .more }
                    if count > 0 {
                        output.withLock { $0.append(buffer[..<count]) }
                        onOutput(Array(buffer[..<count])[...])
                        return .more
                    }
                } catch {}
                closed.signal()
                return .done
            }
        }
    }
}

/// Takes what a command writes to its standard output, on a thread that may block.
struct OutputTaker: Sendable {
    let threads: WorkerPool
    /// Is called with the bytes in order; returns whether more are wanted.
    let take: @Sendable (ArraySlice<UInt8>) -> Bool
}

extension SandboxLauncher {
    /// Runs a command to its end. Cancelling the task ends it at once.
    /// - Parameters:
    ///   - onOutput: gets what is captured, as it comes.
    ///   - taker: gets the standard output; where there is none, that is captured with the standard error.
    func run(
        _ sandbox: Sandbox, outputLimit: Int, onOutput: @escaping @Sendable (ArraySlice<UInt8>) -> Void = { _ in },
        taker: OutputTaker? = nil
    ) async throws(LaunchError) -> CapturedRun {
        let (process, errors, output) = try await launchWithPipes(sandbox, hasOutput: taker != nil)
        return await withTaskCancellationHandler {
            let capture = Capture(limit: outputLimit, onOutput: onOutput)
            watch(errors, capture.reader(of: errors))
            if let taker, let output { await hand(output, to: taker, of: process) }
            let end = await process.ended()
            await cleanUp(process)
            await capture.closed.wait()
            return CapturedRun(
                status: end.status, output: capture.bytes, outOfMemoryKills: end.outOfMemoryKills)
        } onCancel: {
            process.kill()
        }
    }

    /// Returns once there is no more of it.
    private func hand(_ output: Descriptor, to taker: OutputTaker, of process: SandboxProcess) async {
        // A command may run for long before it writes, and holds no thread until then.
        let isReadable = OneShot<Void>()
        watch(output) {
            isReadable.signal()
            return .done
        }
        await isReadable.wait()
        await taker.threads.run {
            withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
                while output.waitReadable(milliseconds: -1) {
                    guard let count = try? output.readSome(into: buffer), count > 0 else { return }
                    guard taker.take(Array(buffer[..<count])[...]) else { return process.kill() }
                }
            }
        }
    }

    /// Our copies of the writing ends are gone on return, so that the pipes end with the sandbox.
    private func launchWithPipes(
        _ sandbox: Sandbox, hasOutput: Bool
    ) async throws(LaunchError) -> (process: SandboxProcess, errors: Descriptor, output: Descriptor?) {
        let errors = try Descriptor.launchPipe()
        let output = hasOutput ? try Descriptor.launchPipe() : nil
        let process = try await launch(sandbox, output: (output ?? errors).writing, errors: errors.writing).get()
        return (process, errors.reading, output?.reading)
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
