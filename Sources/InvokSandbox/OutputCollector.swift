import Glibc
import Invok
import InvokPOSIX
import Logging
import Synchronization

/// Brings what an instance prints into the log: line-wise, in batches, bounded in memory and in rate. It never blocks
/// the instance for long and never keeps more than `pendingBytes`, however slow the store is.
final class OutputCollector: Sendable {
    static let pendingBytes = 2 << 20

    private struct State {
        var output: OutputLines
        var pending: [LogLine] = []
        var pendingBytes = 0
        var open: Int
        /// When the lines are asked again though nothing is printed.
        var alarm: Instant?

        /// The lines for the store.
        mutating func take() -> [LogLine] {
            defer {
                pending = []
                pendingBytes = 0
            }
            return pending
        }

        mutating func add(_ lines: [LogLine]) {
            for line in lines {
                let cost = line.text.utf8.count + OutputLines.bytesPerLine
                // The few lines about what is left out have some room of their own.
                let room = OutputCollector.pendingBytes + (line.source == .platform ? 16_384 : 0)
                guard pendingBytes + cost <= room else {
                    output.onLost([line])
                    continue
                }
                pending.append(line)
                pendingBytes += cost
            }
        }
    }

    private let instance: InstanceID
    private let clock: any Clock
    private let state: Mutex<State>
    private let (wakeUps, wakeUp) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(instance: InstanceID, clock: any Clock) {
        self.instance = instance
        self.clock = clock
        state = Mutex(State(output: OutputLines(instance: instance, now: clock.now()), open: 2))
    }

    /// The handler that reads one of the two pipes.
    func reader(of descriptor: Descriptor, _ source: LogLine.Source) -> EventThread.Handler {
        { [self] in
            withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
                do throws(SystemError) {
                    guard let count = try descriptor.readSome(into: buffer) else { return .more }
                    guard count > 0 else { return end(of: source) }
                    return receive(buffer[..<count], source) ? .more : .pause
                } catch {
                    return end(of: source)
                }
            }
        }
    }

    /// Moves lines into the store until both pipes are at their end and all is written.
    func run(into store: any LogStore, of function: FunctionKey, logger: Logger) async {
        await withDiscardingTaskGroup { group in
            for await _ in wakeUps {
                let (lines, alarm) = state.withLock { state in
                    let isNew = state.alarm == nil && state.open > 0
                    if isNew { state.alarm = state.output.deadline }
                    return (state.take(), isNew ? state.alarm : nil)
                }
                if let alarm { group.addTask { await self.wait(until: alarm) } }
                guard !lines.isEmpty else { continue }
                do {
                    try await store.append(lines, to: function)
                } catch {
                    logger.warning("log lines of \(function) are lost: \(error)")
                }
            }
            group.cancelAll()
        }
    }

    private func wait(until alarm: Instant) async {
        do throws(CancellationError) { try await clock.sleep(until: alarm) } catch { return }
        let (now, time) = (clock.now(), clock.wallTime())
        state.withLock { state in
            state.alarm = nil
            state.add(state.output.onTime(now: now, time: time))
        }
        wakeUp.yield()
    }

    /// - Returns: whether to read on at once.
    private func receive(_ bytes: Slice<UnsafeMutableRawBufferPointer>, _ source: LogLine.Source) -> Bool {
        let (now, time) = (clock.now(), clock.wallTime())
        let isFlooded = state.withLock { state in
            state.add(state.output.onOutput(bytes, of: source, now: now, time: time))
            return state.output.isFlooded
        }
        wakeUp.yield()
        return !isFlooded
    }

    /// Puts a line of the platform beside what the instance prints.
    func note(_ text: String) {
        let time = clock.wallTime()
        state.withLock { state in
            guard state.open > 0 else { return }
            state.add([LogLine(time: time, source: .platform, instance: instance, text: text)])
        }
        wakeUp.yield()
    }

    private func end(of source: LogLine.Source) -> EventThread.Next {
        let time = clock.wallTime()
        let isLast = state.withLock { state in
            state.add(state.output.onEnd(of: source, time: time))
            state.open -= 1
            return state.open == 0
        }
        wakeUp.yield()
        if isLast { wakeUp.finish() }
        return .done
    }
}
