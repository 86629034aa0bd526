import Invok
import InvokProxy
import InvokSim
import NIOCore

/// A client's connection on the simulated network: requests out, answers in, as bytes.
///
/// Used on the simulation's thread only.
package final class SimClientConnection: @unchecked Sendable {
    /// A part of an answer.
    package enum Part {
        case head(ResponseHead)
        case body([UInt8])
        /// With the trailers, and whether the connection may carry another exchange.
        case end(MessageHead?, isReusable: Bool)
        /// The connection ended before the answer did.
        case cutOff
        /// What came is no answer.
        case fault(MessageFault)
    }

    private let socket: SimSocket
    private let network: SimNetwork
    private var output = ByteBuffer()
    private var input = ByteBuffer()
    private var isInputOver = false
    private var isOutputEnding = false
    private var waiter: UnsafeContinuation<Void, Never>?
    private(set) var isClosed = false
    /// Whether it has carried an exchange before.
    package internal(set) var isReused = false
    /// When it was used last.
    var lastUse: Instant

    private init(_ socket: SimSocket, on network: SimNetwork) {
        self.socket = socket
        self.network = network
        lastUse = network.clock.now()
        socket.onEvent { [weak self] in self?.onEvent() }
    }

    /// - Returns: `nil` when nobody listens there.
    package static func connect(
        to address: NetworkAddress, over network: SimNetwork, from client: String
    ) async -> SimClientConnection? {
        let address = (address, try? SocketAddress(ipAddress: client, port: network.freePort()))
        let dial = await withUnsafeContinuation { (continuation: UnsafeContinuation<Handed, Never>) in
            network.connect(to: address.0, from: SimNetwork.Caller(address: address.1)) {
                continuation.resume(returning: Handed(dial: $0))
            }
        }
        guard case .connected(let socket) = dial.dial else { return nil }
        return SimClientConnection(socket, on: network)
    }

    /// From one place of the simulation's thread to another one.
    private struct Handed: @unchecked Sendable {
        let dial: SimNetwork.Dial
    }

    /// Whether a fault of the network has come over it.
    package var isFaulty: Bool { socket.isFaulty }

    /// Whether it may carry another exchange, as far as is known.
    var isFresh: Bool { !isClosed && !socket.isEnding && !isInputOver && input.readableBytes == 0 }

    private func onEvent() {
        pump()
        wake()
    }

    private func wake() { waiter.take()?.resume() }

    private func pump() {
        if output.readableBytes > 0, !socket.write(&output) { output.clear() }
        guard output.readableBytes == 0 else { return }
        output = ByteBuffer()
        if isOutputEnding { socket.endOutput() }
    }

    // MARK: Sending

    package func send(_ bytes: [UInt8]) {
        guard !isClosed else { return }
        output.writeBytes(bytes)
        pump()
    }

    /// Ends the sending, behind what was sent.
    package func endOutput() {
        isOutputEnding = true
        pump()
    }

    /// Whether the system has taken all that was sent.
    package var hasSent: Bool { output.readableBytes == 0 }

    /// Waits until something changes.
    package func changed() async {
        guard !isClosed else { return }
        await withUnsafeContinuation { waiter = $0 }
    }

    // MARK: Reading

    /// The next part of an answer; waits for it.
    package func next(_ reader: inout ResponseReader) async -> Part {
        while true {
            do throws(MessageFault) {
                if let part = try takePart(&reader) { return part }
                if isInputOver || isClosed {
                    guard reader.hasHead, !socket.isReset, !isClosed else { return .cutOff }
                    do { try reader.end() } catch { return .cutOff }
                    return .end(nil, isReusable: false)
                }
            } catch {
                return .fault(error)
            }
            switch socket.read() {
            case .bytes(var bytes):
                if input.readableBytes == 0 { input = bytes } else { input.writeBuffer(&bytes) }
            case .nothing: await changed()
            case .end, .reset: isInputOver = true
            }
        }
    }

    private func takePart(_ reader: inout ResponseReader) throws(MessageFault) -> Part? {
        let result = input.withUnsafeReadableBytes { bytes in
            Result { () throws(MessageFault) in try reader.next(bytes) }
        }
        let (skipped, part) = try result.get()
        input.moveReaderIndex(forwardBy: skipped)
        switch part {
        case .head(let head): return .head(head)
        case .body(let count): return .body(input.readBytes(length: count) ?? [])
        case .end(let trailers, let isReusable): return .end(trailers, isReusable: isReusable)
        case nil:
            if input.readableBytes == 0 { input = ByteBuffer() }
            return nil
        }
    }

    // MARK: Ending

    /// - Parameter isReset: whether what is underway is lost.
    package func close(isReset: Bool = false) {
        guard !isClosed else { return }
        isClosed = true
        socket.onEvent(nil)
        if isReset { socket.reset() } else { socket.close() }
        wake()
    }
}
