import Invok
import NIOCore
import Synchronization

/// The open connections of a server: keeps their number within bounds, and ends them all when time is up.
package final class Connections: Sendable {
    private struct Entry {
        let channel: any Channel
        let quiesce: @Sendable () -> Void
        /// What is done to all is done in the order in which they came.
        let number: Int
    }

    private struct State {
        var table: ConnectionTable<ObjectIdentifier>
        var channels: [ObjectIdentifier: Entry] = [:]
        var lastNumber = 0
        var isClosed = false
        /// Called once there are none any more.
        var onEmpty: (@Sendable () -> Void)?

        var inOrder: [Entry] { channels.values.sorted { $0.number < $1.number } }
    }

    private let isExempt: @Sendable (IPAddress) -> Bool
    private let state: Mutex<State>

    /// - Parameter isExempt: whether many callers may stand behind an address.
    package init(limit: Int, limitPerAddress: Int, exempt isExempt: @escaping @Sendable (IPAddress) -> Bool) {
        self.isExempt = isExempt
        state = Mutex(State(table: ConnectionTable(limit: limit, limitPerAddress: limitPerAddress)))
    }

    var count: Int { state.withLock { $0.table.count } }

    /// - Parameter quiesce: has the connection take no more requests.
    /// - Returns: whether the connection may stay.
    func open(_ channel: any Channel, quiesce: @escaping @Sendable () -> Void) -> Bool {
        let id = ObjectIdentifier(channel)
        let address = channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
        let isExempt = address.map(isExempt) ?? true
        let (isAdmitted, evicted) = state.withLock { state -> (Bool, Entry?) in
            guard !state.isClosed else { return (false, nil) }
            state.lastNumber += 1
            let entry = Entry(channel: channel, quiesce: quiesce, number: state.lastNumber)
            switch state.table.onOpened(id, from: isExempt ? nil : address?.network) {
            case .refused: return (false, nil)
            case .admitted:
                state.channels[id] = entry
                return (true, nil)
            case .admittedInsteadOf(let other):
                state.channels[id] = entry
                return (true, state.channels.removeValue(forKey: other))
            }
        }
        evicted?.channel.close(promise: nil)
        return isAdmitted
    }

    func setIdle(_ isIdle: Bool, _ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        state.withLock { if isIdle { $0.table.onIdle(id) } else { $0.table.onBusy(id) } }
    }

    func closed(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        let onEmpty = state.withLock { state in
            state.table.onClosed(id)
            state.channels[id] = nil
            return state.channels.isEmpty ? state.onEmpty.take() : nil
        }
        onEmpty?()
    }

    /// Has every connection end once its present request is answered, and those that come at once.
    /// - Parameter onEmpty: called once there are none any more.
    func quiesce(_ onEmpty: @escaping @Sendable () -> Void) {
        let entries = state.withLock { state in
            state.isClosed = true
            if !state.channels.isEmpty { state.onEmpty = onEmpty }
            return state.inOrder
        }
        if entries.isEmpty { onEmpty() }
        for entry in entries { entry.quiesce() }
    }

    /// Ends every connection, whatever runs on it, and those that come.
    package func closeAll() {
        let entries = state.withLock { state in
            state.isClosed = true
            return state.inOrder
        }
        for entry in entries { entry.channel.close(promise: nil) }
    }
}
