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
        var frames = LogFrames()
        var lines = LogLines(instance: instance, after: mark)
        var written = mark
        do throws(DockerError) {
            try await client.stream(.get, "/containers/\(container)/logs", query) { (bytes) throws(DockerError) in
                await write(try frames.append(bytes).flatMap { lines.add($0) }, &written)
            }
            // A line without an end is one only when nothing can follow it.
            if !follows { await write(lines.finish(), &written) }
        } catch {
            if !error.isNotFound, error != .cancelled {
                logger.debug("the log of \(instance) broke off", metadata: ["reason": "\(error.description)"])
            }
        }
        mark = written
    }

    private func write(_ lines: [LogLine], _ mark: inout LogMark?) async {
        guard !lines.isEmpty else { return }
        do throws(LogError) {
            try await store.append(lines, to: function)
        } catch {
            logger.warning("log lines of \(function) are lost: \(error)")
        }
        for line in lines where line.source != .platform { mark = LogMark.advanced(mark, by: line) }
    }
}
