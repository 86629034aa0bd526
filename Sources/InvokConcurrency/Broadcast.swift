import Synchronization

/// Hands each message on a channel to all who listen to it now: what adapters in memory make their streams of.
///
/// Every listener has a bounded buffer of its own, from which the oldest messages go when it reads too slowly.
package final class Broadcast<Channel: Hashable & Sendable, Message: Sendable>: Sendable {
    private struct State: Sendable {
        var nextListener: UInt64 = 0
        var listeners: [Channel: [UInt64: AsyncStream<Message>.Continuation]] = [:]
    }

    private let state = Mutex(State())
    private let buffer: Int

    /// - Parameter buffer: how many messages a slow listener may be behind before it loses the oldest.
    package init(buffer: Int) {
        self.buffer = buffer
    }

    /// The messages from now on, until the reading task is cancelled or the stream is dropped.
    package func messages(on channel: Channel) -> AsyncStream<Message> {
        let (stream, continuation) = AsyncStream.makeStream(of: Message.self, bufferingPolicy: .bufferingNewest(buffer))
        let listener = state.withLock { state in
            state.nextListener += 1
            state.listeners[channel, default: [:]][state.nextListener] = continuation
            return state.nextListener
        }
        continuation.onTermination = { [weak self] _ in self?.remove(listener, from: channel) }
        return stream
    }

    /// Gives the message to the channel's listeners, in the order in which they came.
    package func send(_ message: Message, on channel: Channel) {
        guard let listeners = state.withLock({ $0.listeners[channel] }) else { return }
        for (_, continuation) in listeners.sorted(by: { $0.key < $1.key }) { continuation.yield(message) }
    }

    /// How many listen, on all channels.
    package var listenerCount: Int {
        state.withLock { $0.listeners.values.reduce(0) { $0 + $1.count } }
    }

    private func remove(_ listener: UInt64, from channel: Channel) {
        state.withLock { state in
            state.listeners[channel]?[listener] = nil
            if state.listeners[channel]?.isEmpty == true { state.listeners[channel] = nil }
        }
    }
}
