import InvokSim
import NIOCore

/// One end of a simulated connection, as a system shows it to a process: reads and writes that never wait, and a call when
/// there is more to read, or room to write, or an end. It does what Linux does.
///
/// Used on the simulation's thread only.
package final class SimSocket {
    /// What a read brings.
    package enum Read {
        case bytes(ByteBuffer)
        /// Nothing for now.
        case nothing
        /// The other side has ended its sending.
        case end
        /// The connection was reset.
        case reset
    }

    private let incoming: SimPipe
    private let outgoing: SimPipe
    private let wake = SimWake()
    /// The other end, until both are closed.
    private var peer: SimSocket?
    package private(set) var isClosed = false
    package private(set) var isReset = false
    /// Whether a close resets the connection (SO_LINGER with no time).
    var resetsOnClose = false
    /// Whether a fault of the network has come over the connection.
    package private(set) var isFaulty = false

    private init(_ incoming: SimPipe, _ outgoing: SimPipe) {
        self.incoming = incoming
        self.outgoing = outgoing
        incoming.onArrival = { [wake] in wake.enqueue() }
        incoming.onReset = { [weak self] in self?.becomeReset() }
        outgoing.onRoom = { [wake] in wake.enqueue() }
    }

    /// Both ends of a new connection.
    static func pair(_ there: SimPipe, _ back: SimPipe) -> (SimSocket, SimSocket) {
        let (near, far) = (SimSocket(back, there), SimSocket(there, back))
        (near.peer, far.peer) = (far, near)
        return (near, far)
    }

    /// Called, in a turn of its own, when something has changed.
    package func onEvent(_ run: (() -> Void)?) {
        wake.body = run
        if run != nil { wake.enqueue() }
    }

    /// Whether the other side has closed, of which it may not have been told yet.
    package var isPeerClosed: Bool { peer?.isClosed ?? true }

    // MARK: Reading

    package func read() -> Read {
        if let bytes = incoming.read() { return .bytes(bytes) }
        if isReset || isClosed { return .reset }
        return incoming.hasEnded ? .end : .nothing
    }

    /// Whether a read would bring something, be it an end.
    package var isReadable: Bool { incoming.received.readableBytes > 0 || incoming.hasEnded || isReset }
    /// Whether the other side has ended its sending, or the connection was reset; there may be bytes to read before.
    package var isEnding: Bool { incoming.hasEnded || isReset }

    // MARK: Writing

    /// Takes as many bytes as there is room for.
    /// - Returns: `false` when the connection takes none any more.
    package func write(_ bytes: inout ByteBuffer) -> Bool {
        guard !isReset, !isClosed else { return false }
        outgoing.send(&bytes)
        return true
    }

    package var hasRoom: Bool { outgoing.hasRoom }

    /// Ends the sending, behind what was written.
    package func endOutput() { if !isReset, !isClosed { outgoing.end() } }

    // MARK: Ending

    /// Ends the connection, as the end of a process does. With bytes unread, or that come, the other side is reset.
    package func close() {
        guard !isClosed else { return }
        if resetsOnClose { return reset() }
        isClosed = true
        wake.body = nil
        if !isReset {
            incoming.onArrivalForNobody = { [outgoing] in outgoing.reset() }
            if incoming.received.readableBytes > 0 { outgoing.reset() } else { outgoing.end() }
        }
        letGo()
    }

    /// Ends the connection at once, and what is underway is lost.
    package func reset() {
        guard !isClosed else { return }
        isClosed = true
        wake.body = nil
        if !isReset {
            incoming.onArrivalForNobody = {}
            outgoing.reset()
        }
        letGo()
    }

    /// Something between the two sides cuts the connection; both are told.
    func breakOff() {
        noteFault()
        for pipe in [incoming, outgoing] { pipe.cut() }
        becomeReset()
        peer?.becomeReset()
    }

    func noteFault() {
        isFaulty = true
        peer?.isFaulty = true
    }

    private func becomeReset() {
        guard !isReset else { return }
        isReset = true
        outgoing.cut()
        wake.enqueue()
    }

    /// Once both are closed they need not hold each other.
    private func letGo() {
        guard let other = peer, other.isClosed else { return }
        (peer, other.peer) = (nil, nil)
    }
}

/// Something to be done in a turn of its own.
final class SimWake: SimTurn {
    var body: (() -> Void)?
    private var isQueued = false

    func enqueue() {
        guard !isQueued, body != nil else { return }
        isQueued = true
        SimScheduler.enqueue(self)
    }

    func run() {
        isQueued = false
        body?()
    }
}
