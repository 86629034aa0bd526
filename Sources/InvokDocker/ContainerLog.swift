import Invok
import Logging

/// Brings what one container prints from the engine into the log store.
struct ContainerLog: Sendable {
    /// How many of a function's last lines are looked through for those that an earlier core wrote.
    static let lookBack = 10_000
    private static let longestWait = Duration.seconds(2)

    let container: String
    let instance: InstanceID
    let function: FunctionKey
    let client: DockerClient
    let store: any LogStore
    let clock: any Clock
    let logger: Logger

    /// Follows the output until the container has ended and all of it is in the store, or the task is cancelled.
    /// - Parameter isAdopted: whether an earlier core may have written some of it.
    func run(isAdopted: Bool) async {
        var mark: LogMark?
        if isAdopted, let entries = try? await store.lines(of: function, since: nil, limit: Self.lookBack) {
            mark = LogMark.last(of: instance, in: entries)
        }
        var wait = Duration.milliseconds(50)
        while !Task.isCancelled {
            let before = mark
            await read(&mark, follows: true)
            switch await isRunning() {
            case false?:
                // The engine may have broken off before the end; what has been written is not read twice.
                return await read(&mark, follows: false)
            case true?, nil: break
            }
            if mark != before { wait = .milliseconds(50) }
            do throws(CancellationError) {
                try await clock.sleep(until: clock.now().advanced(by: wait))
            } catch {
                return
            }
            wait = min(wait * 2, Self.longestWait)
        }
    }

    /// - Returns: `nil` when the engine does not say.
    private func isRunning() async -> Bool? {
        do throws(DockerError) {
            let bytes = try await client.call(.get, "/containers/\(container)/json")
            let inspection: InspectionMessage = try client.decode(bytes)
            return inspection.state.running
        } catch {
            return error.isNotFound ? false : nil
        }
    }

    private func read(_ mark: inout LogMark?, follows: Bool) async {
        var query = ["stdout": "1", "stderr": "1", "timestamps": "1", "follow": follows ? "1" : "0"]
        if let mark { query["since"] = mark.since }
        let writer = ContainerLogWriter(self, after: mark)
        let (floods, flood) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        await withDiscardingTaskGroup { group in
            // The end of a flood follows when its second is over, whether or not more is printed.
            group.addTask {
                for await _ in floods {
                    do throws(CancellationError) {
                        try await clock.sleep(until: clock.now().advanced(by: .seconds(1)))
                    } catch {
                        return
                    }
                    await writer.write { $0.onSilence() }
                }
            }
            await receive(query, into: writer, flood)
            flood.finish()
            group.cancelAll()
        }
        // A line without an end is one only when nothing can follow it.
        if !follows { await writer.write { $0.finish() } }
        mark = await writer.mark
    }

    private func receive(
        _ query: [String: String], into writer: ContainerLogWriter, _ flood: AsyncStream<Void>.Continuation
    ) async {
        var frames = LogFrames()
        do throws(DockerError) {
            try await client.stream(.get, "/containers/\(container)/logs", query) { (bytes) throws(DockerError) in
                let whole = try frames.append(bytes)
                if await writer.write({ lines in whole.flatMap { lines.add($0) } }) { flood.yield() }
            }
        } catch {
            if !error.isNotFound, error != .cancelled {
                logger.debug("the log of \(instance) broke off", metadata: ["reason": "\(error.description)"])
            }
        }
    }
}

/// Writes the lines of a container in order, from two tasks: the one that reads, and the one that waits for the end of a
/// flood.
private actor ContainerLogWriter {
    private let log: ContainerLog
    private var lines: LogLines
    private(set) var mark: LogMark?
    private var last: Task<Void, Never>?

    init(_ log: ContainerLog, after mark: LogMark?) {
        self.log = log
        self.mark = mark
        lines = LogLines(instance: log.instance, after: mark)
    }

    /// Writes what the change gives, behind all that was written before.
    /// - Returns: whether lines wait for the second to end.
    @discardableResult
    func write(_ change: @Sendable (inout LogLines) -> [LogLine]) async -> Bool {
        let new = change(&lines)
        guard !new.isEmpty else { return lines.isFlooded }
        let task = Task { [last] in
            await last?.value
            await self.append(new)
        }
        last = task
        await task.value
        return lines.isFlooded
    }

    private func append(_ new: [LogLine]) async {
        do throws(LogError) {
            try await log.store.append(new, to: log.function)
        } catch {
            log.logger.warning("log lines of \(log.function) are lost: \(error)")
        }
        for line in new where line.source != .platform { mark = LogMark.advanced(mark, by: line) }
    }
}
