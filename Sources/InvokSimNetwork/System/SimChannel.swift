import InvokSim
import NIOCore

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A connection in the simulation as NIO's handlers see it: what NIO's own channel is to a socket of the system, this is to
/// a `SimSocket`, with the same order of events.
///
/// Used on the simulation's thread only.
final class SimChannel: Channel, ChannelCore, @unchecked Sendable {
    private struct PendingWrite {
        var bytes: ByteBuffer
        let promise: EventLoopPromise<Void>?
    }

    private let host: SimHost
    private var number = 0
    let loop: SimEventLoop
    let socket: SimSocket
    private let closePromise: EventLoopPromise<Void>
    /// Made once the channel is, which it holds until it is closed.
    private var madePipeline: ChannelPipeline!
    let localAddress: SocketAddress?
    let remoteAddress: SocketAddress?

    private var options = SimChannelOptions()
    private(set) var isOpen = true
    private(set) var isActive = false
    private(set) var isWritable = true
    private var isReadPending = false
    private var hasSeenEnd = false
    private var isInputShut = false
    private var isOutputShut = false
    /// The sending ends once all is written.
    private var outputClosing: [EventLoopPromise<Void>]?
    private var writes: [PendingWrite] = []
    private var flushedWrites = 0
    private(set) var bufferedBytes = 0
    private var isFlushing = false
    private var isWakeQueued = false

    init(
        _ socket: SimSocket, of host: SimHost, on loop: SimEventLoop, local: SocketAddress?, remote: SocketAddress?
    ) {
        self.socket = socket
        self.host = host
        self.loop = loop
        localAddress = local
        remoteAddress = remote
        closePromise = loop.makePromise()
        madePipeline = ChannelPipeline(channel: self)
        number = host.add(self)
    }

    // MARK: Channel

    let allocator = ByteBufferAllocator()
    var closeFuture: EventLoopFuture<Void> { closePromise.futureResult }
    var pipeline: ChannelPipeline { madePipeline }
    var parent: (any Channel)? { nil }
    var eventLoop: any EventLoop { loop }
    var _channelCore: any ChannelCore { self }

    // MARK: Its life

    /// The connection is set up.
    func activate(_ options: SimChannelOptions, _ promise: EventLoopPromise<any Channel>? = nil) {
        guard isOpen else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        self.options = options
        pipeline.syncOperations.fireChannelRegistered()
        isActive = true
        promise?.succeed(self)
        pipeline.syncOperations.fireChannelActive()
        socket.onEvent { [weak self] in self?.wake() }
        if isReadPending { wake() }
    }

    private func wake() {
        guard !isWakeQueued else { return }
        isWakeQueued = true
        loop.execute { self.onEvents() }
    }

    private func onEvents() {
        isWakeQueued = false
        guard isActive else { return }
        if socket.isEnding, !hasSeenEnd {
            // What the system says of an end comes whether a read was asked for or not, and all before it is read.
            hasSeenEnd = true
            while isActive, readOnce() == .some {}
        } else if isReadPending, socket.isReadable, !hasSeenEnd {
            readOnce()
        } else if socket.isReset {
            let error = IOError(errnoCode: ECONNRESET, reason: "connection reset (error set)")
            close0(error: error, mode: .all, promise: nil)
        }
        if isActive, flushedWrites > 0 { flushNow() }
        if isActive, isReadPending, socket.isReadable, !hasSeenEnd { wake() }
    }

    private enum ReadResult { case none, some, over }

    /// What one notification of the system makes NIO do.
    @discardableResult
    private func readOnce() -> ReadResult {
        var result = ReadResult.none
        for _ in 0..<options.messagesPerRead {
            guard isActive, !isInputShut else { return .over }
            switch socket.read() {
            case .bytes(let bytes):
                isReadPending = false
                result = .some
                pipeline.syncOperations.fireChannelRead(NIOAny(bytes))
                continue
            case .nothing: break
            case .end:
                pipeline.syncOperations.fireChannelReadComplete()
                guard isActive else { return .over }
                close0(error: ChannelError.eof, mode: options.allowsHalfClosure ? .input : .all, promise: nil)
                isReadPending = false
                return .over
            case .reset:
                fail(IOError(errnoCode: ECONNRESET, reason: "read"))
                return .over
            }
            break
        }
        if isActive { pipeline.syncOperations.fireChannelReadComplete() }
        return result
    }

    private func fail(_ error: any Error) {
        pipeline.syncOperations.fireErrorCaught(error)
        close0(error: error, mode: .all, promise: nil)
    }

    /// The process ends: the system closes the socket, whatever the handlers think of it.
    func socketCloses() { socket.close() }

    // MARK: ChannelCore

    func localAddress0() throws -> SocketAddress {
        guard let localAddress else { throw ChannelError.unknownLocalAddress }
        return localAddress
    }

    func remoteAddress0() throws -> SocketAddress {
        guard let remoteAddress else { throw ChannelError.operationUnsupported }
        return remoteAddress
    }

    func register0(promise: EventLoopPromise<Void>?) { promise?.fail(ChannelError.inappropriateOperationForState) }

    func bind0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    func connect0(to: SocketAddress, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    func triggerUserOutboundEvent0(_ event: Any, promise: EventLoopPromise<Void>?) {
        promise?.fail(ChannelError.operationUnsupported)
    }

    /// What no handler wanted.
    func channelRead0(_ data: NIOAny) {}
    func errorCaught0(error: any Error) {}

    func read0() {
        guard isOpen, !isInputShut else { return }
        isReadPending = true
        if isActive, socket.isReadable { wake() }
    }

    func write0(_ data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard isOpen else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        guard !isOutputShut, outputClosing == nil else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        let bytes: ByteBuffer = unwrapData(data)
        bufferedBytes += bytes.readableBytes
        writes.append(PendingWrite(bytes: bytes, promise: promise))
        guard isWritable, bufferedBytes > options.waterMark.high else { return }
        isWritable = false
        pipeline.syncOperations.fireChannelWritabilityChanged()
    }

    func flush0() {
        guard isOpen else { return }
        flushedWrites = writes.count
        if isActive { flushNow() }
    }

    private func flushNow() {
        guard !isFlushing else { return }
        isFlushing = true
        defer { isFlushing = false }
        while isOpen, flushedWrites > 0 {
            let before = writes[0].bytes.readableBytes
            guard socket.write(&writes[0].bytes) else {
                // Only what a read was asked for before is still delivered.
                if isReadPending { while isActive, readOnce() == .some {} }
                close0(error: IOError(errnoCode: EPIPE, reason: "write"), mode: .all, promise: nil)
                return
            }
            let rest = writes[0].bytes.readableBytes
            bufferedBytes -= before - rest
            let isBlocked = rest > 0
            if !isBlocked {
                let promise = writes.removeFirst().promise
                flushedWrites -= 1
                promise?.succeed()
            }
            if !isWritable, bufferedBytes < options.waterMark.low {
                isWritable = true
                pipeline.syncOperations.fireChannelWritabilityChanged()
            }
            if isBlocked { return }
        }
        guard isOpen, writes.isEmpty, let promises = outputClosing else { return }
        guard isInputShut else { return shutOutput(promises) }
        outputClosing = nil
        closeAll(ChannelError.outputClosed, nil)
        for promise in promises { promise.succeed() }
    }

    private func shutOutput(_ promises: [EventLoopPromise<Void>]) {
        outputClosing = nil
        isOutputShut = true
        socket.endOutput()
        for promise in promises { promise.succeed() }
        pipeline.fireUserInboundEventTriggered(ChannelEvent.outputClosed)
    }

    func close0(error: any Error, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard isOpen else {
            promise?.fail(ChannelError.alreadyClosed)
            return
        }
        switch mode {
        case .output:
            if isOutputShut {
                promise?.fail(ChannelError.outputClosed)
                return
            }
            if isInputShut { return close0(error: error, mode: .all, promise: promise) }
            let promises = (outputClosing ?? []) + (promise.map { [$0] } ?? [])
            if writes.isEmpty { shutOutput(promises) } else { outputClosing = promises }
        case .input:
            if isInputShut {
                promise?.fail(ChannelError.inputClosed)
                return
            }
            if isOutputShut { return close0(error: error, mode: .all, promise: promise) }
            isInputShut = true
            promise?.succeed()
            pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        case .all: closeAll(error, promise)
        }
    }

    private func closeAll(_ error: any Error, _ promise: EventLoopPromise<Void>?) {
        isOpen = false
        let wasActive = isActive
        isActive = false
        socket.onEvent(nil)
        socket.close()
        let failed = writes.compactMap(\.promise) + (outputClosing ?? [])
        (writes, flushedWrites, bufferedBytes, outputClosing) = ([], 0, 0, nil)
        for promise in failed { promise.fail(error) }
        promise?.succeed()
        if wasActive { pipeline.syncOperations.fireChannelInactive() }
        pipeline.syncOperations.fireChannelUnregistered()
        host.removeChannel(number)
        loop.execute {
            // The handlers may still be at work.
            self.removeHandlers(pipeline: self.pipeline)
            self.closePromise.succeed()
        }
    }
}
