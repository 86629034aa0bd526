import Synchronization

/// Work that several callers may want at once: it is done once for all of them, and cancelled with the last of them.
package final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Entry {
        let number: Int
        let task: Task<Value, Never>
        var waiting = 1
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        var nextNumber = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// The result of the work under this key: of what runs already, else of `work`.
    package func value(for key: Key, _ work: @escaping @Sendable () async -> Value) async -> Value {
        let (number, task) = join(key, work)
        return await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            leave(key, number)
        }
    }

    private func join(_ key: Key, _ work: @escaping @Sendable () async -> Value) -> (Int, Task<Value, Never>) {
        state.withLock { state in
            if let entry = state.entries[key] {
                state.entries[key]?.waiting += 1
                return (entry.number, entry.task)
            }
            state.nextNumber += 1
            let number = state.nextNumber
            // Unstructured, since no one caller owns it.
            let task = Task {
                let value = await work()
                self.remove(key, number)
                return value
            }
            state.entries[key] = Entry(number: number, task: task)
            return (number, task)
        }
    }

    private func leave(_ key: Key, _ number: Int) {
        state.withLock { state in
            guard state.entries[key]?.number == number else { return }
            state.entries[key]?.waiting -= 1
            guard let entry = state.entries[key], entry.waiting == 0 else { return }
            // Gone at once, so that whoever comes next does not join what is being cancelled.
            state.entries[key] = nil
            entry.task.cancel()
        }
    }

    private func remove(_ key: Key, _ number: Int) {
        state.withLock { state in
            if state.entries[key]?.number == number { state.entries[key] = nil }
        }
    }
}
