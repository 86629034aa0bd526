import NIOCore

/// Ends a connection whose client takes nothing of what is written for it: its buffers, and whatever makes the answer, would
/// wait for good.
final class OutputWatch: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    /// How often it looks in the time that a client has.
    private static let looks = 4

    private let interval: TimeAmount
    private var context: ChannelHandlerContext?
    private var timer: Scheduled<Void>?
    private var written = 0
    private var takenBefore = 0
    private var stalls = 0

    /// - Parameter limit: how long a client may take nothing.
    init(limit: TimeAmount) { interval = .nanoseconds(limit.nanoseconds / Int64(Self.looks)) }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
        self.context = nil
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        written += Self.unwrapOutboundIn(data).readableBytes
        context.write(data, promise: promise)
        if timer == nil { arm(context) }
    }

    private func arm(_ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: interval) { [weak self] in self?.look() }
    }

    private func look() {
        timer = nil
        guard let context else { return }
        let waiting = (try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        let taken = written - waiting
        stalls = waiting > 0 && taken == takenBefore ? stalls + 1 : 0
        takenBefore = taken
        guard stalls < Self.looks else { return context.close(promise: nil) }
        if waiting > 0 { arm(context) }
    }
}
