import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// What one asks of a connection at its start.
struct SimChannelOptions {
    var allowsHalfClosure = false
    var messagesPerRead = 4
    /// Those of NIO.
    var waterMark = (low: 32 * 1024, high: 64 * 1024)
}

extension SimChannel {
    private struct SyncOptions: NIOSynchronousChannelOptions {
        let channel: SimChannel

        func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) throws {
            throw ChannelError.operationUnsupported
        }

        func getOption<Option: ChannelOption>(_ option: Option) throws -> Option.Value {
            guard channel.isOpen else { throw ChannelError.ioOnClosedChannel }
            switch option {
            case is ChannelOptions.Types.BufferedWritableBytesOption:
                if let value = channel.bufferedBytes as? Option.Value { return value }
            case is ChannelOptions.Types.AutoReadOption: if let value = false as? Option.Value { return value }
            default: break
            }
            throw ChannelError.operationUnsupported
        }
    }

    var syncOptions: (any NIOSynchronousChannelOptions)? { SyncOptions(channel: self) }

    /// What a connection is like is said by the network when it is made.
    func setOption<Option: ChannelOption>(_ option: Option, value: Option.Value) -> EventLoopFuture<Void> {
        loop.makeFailedFuture(ChannelError.operationUnsupported)
    }

    func getOption<Option: ChannelOption>(_ option: Option) -> EventLoopFuture<Option.Value> {
        loop.submit { try SyncOptions(channel: self).getOption(option) }
    }
}

extension SimChannel: SocketOptionProvider {
    /// There is one that matters here.
    func unsafeSetSocketOption<Value: Sendable>(
        level: NIOBSDSocket.OptionLevel, name: NIOBSDSocket.Option, value: Value
    ) -> EventLoopFuture<Void> {
        guard level == .socket, name == .so_linger, let value = value as? linger else {
            return loop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        socket.resetsOnClose = value.l_onoff != 0 && value.l_linger == 0
        return loop.makeSucceededVoidFuture()
    }

    func unsafeSetSocketOption<Value: Sendable>(
        level: SocketOptionLevel, name: SocketOptionName, value: Value
    ) -> EventLoopFuture<Void> {
        unsafeSetSocketOption(
            level: NIOBSDSocket.OptionLevel(rawValue: CInt(level)), name: NIOBSDSocket.Option(rawValue: CInt(name)),
            value: value)
    }

    func unsafeGetSocketOption<Value: Sendable>(
        level: NIOBSDSocket.OptionLevel, name: NIOBSDSocket.Option
    ) -> EventLoopFuture<Value> {
        loop.makeFailedFuture(ChannelError.operationUnsupported)
    }

    func unsafeGetSocketOption<Value: Sendable>(
        level: SocketOptionLevel, name: SocketOptionName
    ) -> EventLoopFuture<Value> {
        loop.makeFailedFuture(ChannelError.operationUnsupported)
    }
}
