import NIOCore
import Synchronization

/// The open connections of a server: keeps their number within bounds, and ends them all when time is up.
final class Connections: Sendable {
    private struct State {
        var table: ConnectionTable<ObjectIdentifier>
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isClosed = false
    }

    private let isExempt: @Sendable (IPAddress) -> Bool
    private let state: Mutex<State>

    /// - Parameter isExempt: whether many callers may stand behind an address.
    init(limit: Int, limitPerAddress: Int, exempt isExempt: @escaping @Sendable (IPAddress) -> Bool) {
        self.isExempt = isExempt
        state = Mutex(State(table: ConnectionTable(limit: limit, limitPerAddress: limitPerAddress)))
    }

    var count: Int { state.withLock { $0.table.count } }

    /// - Returns: whether the connection may stay.
    func open(_ channel: any Channel) -> Bool {
        let id = ObjectIdentifier(channel)
        let address = channel.remoteAddress?.ipAddress.flatMap { IPAddress($0) }
        let isExempt = address.map(isExempt) ?? true
        let (isAdmitted, evicted) = state.withLock { state -> (Bool, (any Channel)?) in
            guard !state.isClosed else { return (false, nil) }
            switch state.table.onOpened(id, from: isExempt ? nil : address?.network) {
            case .refused: return (false, nil)
            case .admitted:
                state.channels[id] = channel
                return (true, nil)
            case .admittedInsteadOf(let other):
                state.channels[id] = channel
                return (true, state.channels.removeValue(forKey: other))
            }
        }
        evicted?.close(promise: nil)
        return isAdmitted
    }

    func setIdle(_ isIdle: Bool, _ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        state.withLock { if isIdle { $0.table.onIdle(id) } else { $0.table.onBusy(id) } }
    }

    func closed(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        state.withLock { state in
            state.table.onClosed(id)
            state.channels[id] = nil
        }
    }

    /// Ends every connection, whatever runs on it, and those that come.
    func closeAll() {
        let channels = state.withLock { state in
            state.isClosed = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.close(promise: nil) }
    }
}
