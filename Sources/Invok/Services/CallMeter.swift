import Synchronization

/// Counts calls of functions, each once.
///
/// Who ends calls counts in a shard of its own, without waiting for anybody: an event loop has one, and all tasks share one.
/// What lies in the shards is taken to the ledger when somebody reads it, and once a minute.
package final class CallMeter: Sendable {
    /// How many functions are told apart: they take at most 14 kB each, and what lies in the shards twice as much.
    static let functionLimit = 4000
    /// What the figures of a day's minutes may take. One minute of a function that is called much takes some 200 bytes.
    static let historyBytes = 32 << 20
    private static let minuteMilliseconds: Int64 = 60_000

    /// Where a function's calls are counted in a shard, for who counts many calls of one.
    package struct Place: Sendable {
        fileprivate let epoch: UInt64
        fileprivate let index: Int?
    }

    /// The counts of one thread since they were last taken. Its lock is nobody else's but for a moment when they are.
    package final class Shard: Sendable {
        private let state: Mutex<(table: CallTable, epoch: UInt64)>
        private let limit: Int

        init(limit: Int) {
            self.limit = limit
            state = Mutex((CallTable(limit: limit), 0))
        }

        /// Counts a call.
        /// - Parameter place: that of the function as far as it is known; it spares a look-up.
        package func record(_ call: CallRecord, of key: FunctionKey, at place: inout Place?) {
            state.withLock { state in
                let known: Place
                if let place, place.epoch == state.epoch {
                    known = place
                } else {
                    known = Place(epoch: state.epoch, index: state.table.place(of: key))
                    place = known
                }
                state.table.record(call, at: known.index)
            }
        }

        /// Counts a request.
        /// - Parameter key: the function that it was let in to; `nil` for none.
        package func record(_ call: CallRecord, of key: FunctionKey?) {
            state.withLock { state in
                guard let key else { return state.table.recordStray(call) }
                let place = state.table.place(of: key)
                state.table.record(call, at: place)
            }
        }

        /// Takes what was counted.
        fileprivate func take() -> CallTable {
            state.withLock { state in
                guard !state.table.isEmpty else { return state.table }
                defer { state = (CallTable(limit: limit), state.epoch + 1) }
                return state.table
            }
        }
    }

    /// That of calls that tasks answer.
    package let tasks: Shard
    private let loops = Mutex<[ObjectIdentifier: Shard]>([:])
    private let ledger: Mutex<CallLedger>
    private let limit: Int
    /// Since when it counts.
    let began: Timestamp

    init(began: Timestamp, functionLimit: Int = functionLimit, historyBytes: Int = historyBytes) {
        self.began = began
        limit = functionLimit
        tasks = Shard(limit: functionLimit)
        ledger = Mutex(CallLedger(limit: functionLimit, historyBytes: historyBytes))
    }

    /// The shard of an event loop, of which there are few.
    package func shard(of loop: ObjectIdentifier) -> Shard {
        loops.withLock { loops in
            if let shard = loops[loop] { return shard }
            let shard = Shard(limit: limit)
            loops[loop] = shard
            return shard
        }
    }

    /// An instance's start has ended.
    func onStart(of key: FunctionKey, after duration: Duration, isReady: Bool) {
        ledger.withLock { $0.onStart(of: key, after: duration, isReady: isReady) }
    }

    /// Everything counted until now.
    package var current: CallLedger {
        let shards = [tasks] + loops.withLock { Array($0.values) }
        return ledger.withLock { ledger in
            for shard in shards { ledger.absorb(shard.take()) }
            return ledger
        }
    }

    /// What was counted of a function between two times, the minutes of both included.
    func series(
        of key: FunctionKey, from start: Timestamp, to end: Timestamp, points: Int, instances: Int
    ) -> CallSeries {
        current.series(
            of: key, from: start.millisecondsSinceEpoch / Self.minuteMilliseconds,
            to: end.millisecondsSinceEpoch / Self.minuteMilliseconds, points: points, instances: instances)
    }

    /// Closes each minute, and counts functions together that are gone, until the task is cancelled.
    func run(clock: any Clock, directory: Directory, dispatcher: Dispatcher) async {
        while true {
            let into = clock.wallTime().millisecondsSinceEpoch % Self.minuteMilliseconds
            do throws(CancellationError) {
                try await clock.sleep(until: clock.now().advanced(by: .milliseconds(Self.minuteMilliseconds - into)))
            } catch {
                return
            }
            _ = current
            // A timer may come a little early or late.
            let nearest =
                (clock.wallTime().millisecondsSinceEpoch + Self.minuteMilliseconds / 2) / Self.minuteMilliseconds
            let instances = dispatcher.use.loads.mapValues(\.instances)
            ledger.withLock { ledger in
                ledger.closeMinute(nearest - 1, instances: instances)
                ledger.keep { directory.known($0) != nil }
            }
        }
    }
}
