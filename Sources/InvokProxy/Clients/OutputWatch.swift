import NIOCore

/// Notices a client that takes nothing of what is written for it: its buffers, and whatever makes the answer, would wait for
/// good. Used on the connection's event loop only.
final class OutputWatch {
    /// How often it looks in the time that a client has.
    private static let looks = 4

    private let interval: TimeAmount
    private var timer: Scheduled<Void>?
    private var written = 0
    private var takenBefore = 0
    private var stalls = 0

    /// - Parameter limit: how long a client may take nothing.
    init(limit: TimeAmount) { interval = .nanoseconds(limit.nanoseconds / Int64(Self.looks)) }

    /// So many bytes are written. A client that takes nothing of them for too long is cut off.
    func onWrite(_ count: Int, to channel: any Channel) {
        written += count
        if timer == nil { arm(channel) }
    }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func arm(_ channel: any Channel) {
        timer = channel.eventLoop.assumeIsolated().scheduleTask(in: interval) { [weak self] in self?.look(channel) }
    }

    private func look(_ channel: any Channel) {
        timer = nil
        let waiting = (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        let taken = written - waiting
        stalls = waiting > 0 && taken == takenBefore ? stalls + 1 : 0
        takenBefore = taken
        guard stalls < Self.looks else { return channel.close(promise: nil) }
        if waiting > 0 { arm(channel) }
    }
}
