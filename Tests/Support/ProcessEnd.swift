public import Foundation

/// The end of a process. Waiting for it holds no thread, unlike `waitUntilExit`, which keeps one busy all the while.
public struct ProcessEnd: Sendable {
    private let ended: AsyncStream<Void>

    /// Call it before the process is run.
    public init(of process: Process) {
        let (ended, continuation) = AsyncStream<Void>.makeStream()
        self.ended = ended
        process.terminationHandler = { _ in continuation.finish() }
    }

    /// Returns once the process has ended, also in a task that is cancelled: the status of one that runs cannot be asked.
    public func wait() async {
        let ended = ended
        await Task { for await _ in ended {} }.value
    }
}
