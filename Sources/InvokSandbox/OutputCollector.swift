import Glibc
import Invok
import InvokPOSIX
import Logging
import Synchronization

/// Brings what an instance prints into the log: line-wise, in batches, bounded in memory and in rate. It never blocks
/// the instance for long and never keeps more than `pendingBytes`, however slow the store is.
final class OutputCollector: Sendable {
    static let bytesPerSecond = 256 * 1024
    static let pendingBytes = 1 << 20
    /// How long what is no whole line yet may wait for its end.
    static let restWait = Duration.milliseconds(500)

    private struct State {
        var splitters: [LogLine.Source: LineSplitter]
        /// Since when there is something without the end of a line.
        var restSince: [LogLine.Source: Instant] = [:]
        var budget: OutputBudget
        var pending: [LogLine] = []
        var pendingBytes = 0
        var open: Int
    }

    private let instance: InstanceID
    private let clock: any Clock
    private let state: Mutex<State>
    private let (wakeUps, wakeUp) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    private let (rests, rest) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    init(instance: InstanceID, clock: any Clock) {
        self.instance = instance
        self.clock = clock
        state = Mutex(
            State(
                splitters: [.stdout: LineSplitter(), .stderr: LineSplitter()],
                budget: OutputBudget(bytesPerSecond: Self.bytesPerSecond, now: clock.now()), open: 2))
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
            group.addTask { await self.endRests() }
            await self.write(into: store, of: function, logger: logger)
            group.cancelAll()
        }
    }

    /// Takes for a line what has waited for its end long enough: a prompt, or the dots of what goes on.
    private func endRests() async {
        for await _ in rests {
            do throws(CancellationError) {
                try await clock.sleep(until: clock.now().advanced(by: Self.restWait))
            } catch {
                return
            }
            let now = clock.now()
            let waits = state.withLock { state in
                for (source, since) in state.restSince where since.advanced(by: Self.restWait) <= now {
                    state.restSince[source] = nil
                    if let text = state.splitters[source]?.finish() { add(text, source, &state) }
                }
                return !state.restSince.isEmpty
            }
            wakeUp.yield()
            if waits { rest.yield() }
        }
    }

    private func write(into store: any LogStore, of function: FunctionKey, logger: Logger) async {
        for await _ in wakeUps {
            let lines = state.withLock { state in
                defer {
                    state.pending = []
                    state.pendingBytes = 0
                }
                return state.pending
            }
            guard !lines.isEmpty else { continue }
            do {
                try await store.append(lines, to: function)
            } catch {
                logger.warning("log lines of \(function) are lost: \(error)")
            }
        }
    }

    /// - Returns: whether to read on at once.
    private func receive(_ bytes: Slice<UnsafeMutableRawBufferPointer>, _ source: LogLine.Source) -> Bool {
        let now = clock.now()
        let (kept, waits) = state.withLock { state -> (Bool, Bool) in
            switch state.budget.spend(bytes.count, now: now) {
            case .drop: return (false, false)
            case .startDropping:
                add(
                    "more than \(Self.bytesPerSecond / 1024) KiB of output in a second: the rest is dropped",
                    .platform, &state)
                return (false, false)
            case .keepAfterGap(let missing): add("\(missing) bytes of output were dropped", .platform, &state)
            case .keep: break
            }
            let lines = state.splitters[source]?.append(bytes) ?? []
            for line in lines { add(line, source, &state) }
            let isNew = lines.isEmpty ? state.restSince[source] == nil : true
            let hasRest = state.splitters[source]?.hasRest == true
            state.restSince[source] = hasRest ? (isNew ? now : state.restSince[source]) : nil
            return (true, hasRest && isNew)
        }
        wakeUp.yield()
        if waits { rest.yield() }
        return kept
    }

    private func end(of source: LogLine.Source) -> EventThread.Next {
        let isLast = state.withLock { state in
            if let rest = state.splitters[source]?.finish() { add(rest, source, &state) }
            state.open -= 1
            if state.open == 0, let missing = state.budget.takeGap() {
                add("\(missing) bytes of output were dropped", .platform, &state)
            }
            return state.open == 0
        }
        wakeUp.yield()
        if isLast { wakeUp.finish() }
        return .done
    }

    private func add(_ text: String, _ source: LogLine.Source, _ state: inout State) {
        // A line costs more than its text, so that empty ones are bounded too.
        let cost = text.utf8.count + 64
        // The few lines about drops have some room of their own.
        let room = Self.pendingBytes + (source == .platform ? 16_384 : 0)
        guard state.pendingBytes + cost <= room else { return state.budget.drop(text.utf8.count) }
        state.pending.append(LogLine(time: clock.wallTime(), source: source, instance: instance, text: text))
        state.pendingBytes += cost
    }
}
