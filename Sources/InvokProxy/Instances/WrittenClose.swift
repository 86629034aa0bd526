import NIOCore

extension ChannelHandlerContext {
    /// Closes once the system has all that was written before. Where the input has ended NIO closes at once, and what it still
    /// holds is lost.
    func closeOnceWritten(mode: CloseMode) {
        writeAndFlush(NIOAny(ByteBuffer())).assumeIsolated().whenComplete { _ in self.close(mode: mode, promise: nil) }
    }
}
