import Synchronization

/// Counts calls of functions, each once.
///
/// Who ends calls counts in a shard of its own, without waiting for anybody: an event loop has one, and all tasks share one.
/// What lies in the shards is taken to the ledger when somebody reads it, and once a minute.
package final class CallMeter: Sendable {
    /// How many functions are told apart: they take at most 14 kB each, and what lies in the shards twice as much.
    static let functionLimit = 4000
    static let interval = Duration.seconds(60)

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

    init(functionLimit: Int = functionLimit) {
        limit = functionLimit
        tasks = Shard(limit: functionLimit)
        ledger = Mutex(CallLedger(limit: functionLimit))
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

    /// Counts functions together that are gone, again and again, until the task is cancelled.
    func run(clock: any Clock, directory: Directory) async {
        while true {
            do throws(CancellationError) {
                try await clock.sleep(until: clock.now().advanced(by: Self.interval))
            } catch {
                return
            }
            _ = current
            ledger.withLock { $0.keep { directory.known($0) != nil } }
        }
    }
}
