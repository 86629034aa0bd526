import NIOCore

/// Notices a client that takes nothing of what is written for it: its buffers, and whatever makes the answer, would wait for
/// good. Used on the connection's event loop only.
///
/// As a handler it sees by itself what is written behind it, as TLS makes it; otherwise it is told.
final class OutputWatch: ChannelOutboundHandler {
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How often it looks in the time that a client has.
    private static let looks = 4

    private let interval: TimeAmount
    private var timer: Scheduled<Void>?
    private var written = 0
    private var takenBefore = 0
    private var stalls = 0
    private var isHandler = false

    /// - Parameter limit: how long a client may take nothing.
    init(limit: TimeAmount) { interval = .nanoseconds(limit.nanoseconds / Int64(Self.looks)) }

    /// So many bytes are written. A client that takes nothing of them for too long is cut off.
    func onWrite(_ count: Int, to channel: any Channel) { if !isHandler { add(count, channel) } }

    func handlerAdded(context: ChannelHandlerContext) { isHandler = true }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        add(Self.unwrapOutboundIn(data).readableBytes, context.channel)
        context.write(data, promise: promise)
    }

    func stop() {
        timer?.cancel()
        timer = nil
    }

    private func add(_ bytes: Int, _ channel: any Channel) {
        written += bytes
        if timer == nil { arm(channel) }
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
