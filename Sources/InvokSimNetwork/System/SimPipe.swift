import Invok
import InvokSim
import NIOCore

/// How one simulated connection behaves; drawn once for each.
struct SimManner {
    /// The largest piece in which bytes go over, and how many go so before larger ones do.
    var pieceBytes = 64 * 1024
    var smallPieces = 0
    /// How long a piece takes at most.
    var latency = Duration.microseconds(100)
    /// The buffers of the sender's and the receiver's system.
    var sendBytes = 64 * 1024
    var receiveBytes = 64 * 1024
    /// What one read brings at most.
    var readBytes = 64 * 1024

    /// Most connections are like those of a quick network, some cut all that is sent.
    static func draw(_ random: inout SimGenerator) -> SimManner {
        var manner = SimManner()
        switch random.below(10) {
        case 0: (manner.pieceBytes, manner.smallPieces) = (3, 400)
        case 1...2: (manner.pieceBytes, manner.smallPieces) = (40, 300)
        case 3...4: (manner.pieceBytes, manner.smallPieces) = (1400, 200)
        default: break
        }
        manner.latency = [.microseconds(20), .microseconds(200), .milliseconds(3)][random.below(3)]
        if random.below(6) == 0 { manner.sendBytes = 256 + random.below(4096) }
        if random.below(6) == 0 { manner.receiveBytes = 256 + random.below(4096) }
        manner.readBytes = [64 * 1024, 2048, 100][random.below(8) % 3]
        return manner
    }
}

/// One direction of a simulated connection. What is sent waits in the sender's system, goes over in pieces, each after a
/// time and all in their order, and waits in the receiver's system. Both systems keep so much and no more.
final class SimPipe {
    private enum Content {
        case bytes(ByteBuffer)
        /// The sender has ended its sending.
        case end
        case reset
    }

    private var manner: SimManner
    private var random: SimGenerator
    private let clock: SimClock
    /// What was taken from the sender and is not on its way.
    private var unsent = ByteBuffer()
    private var underway: [(content: Content, at: Instant)] = []
    private var underwayBytes = 0
    private var lastArrival = Instant(nanoseconds: 0)
    private(set) var received = ByteBuffer()
    private var isEnding = false
    private(set) var isEndSent = false
    private(set) var hasEnded = false
    private var isCut = false
    /// How many bytes have gone over, and what happens after how many.
    private var sentBytes = 0
    private var incident: (after: Int, happen: (SimPipe) -> Void)?

    /// The receiver has something new, the sender room, or the receiver's connection is reset.
    var onArrival: () -> Void = {}
    var onRoom: () -> Void = {}
    var onReset: () -> Void = {}
    /// The receiver is gone: what arrives is answered by a reset.
    var onArrivalForNobody: (() -> Void)?

    init(_ manner: SimManner, seed: UInt64, clock: SimClock) {
        self.manner = manner
        random = SimGenerator(seed: seed)
        self.clock = clock
    }

    // MARK: The sender

    /// Takes as much as there is room for.
    func send(_ bytes: inout ByteBuffer) {
        let room = min(manner.sendBytes - unsent.readableBytes, bytes.readableBytes)
        guard room > 0, let part = bytes.readSlice(length: room) else { return }
        if unsent.readableBytes == 0 { unsent = part } else { unsent.writeImmutableBuffer(part) }
        transmit()
    }

    var hasRoom: Bool { unsent.readableBytes < manner.sendBytes }

    /// The end comes behind all that was sent.
    func end() {
        isEnding = true
        transmit()
    }

    /// The receiver's connection is reset, once what is underway has arrived.
    func reset() {
        guard !isCut else { return }
        unsent.clear()
        isEnding = true
        isEndSent = true
        put(.reset)
    }

    /// Nothing goes over any more.
    func cut() {
        isCut = true
        unsent.clear()
        underway = []
        underwayBytes = 0
    }

    /// Lets something happen after so many bytes.
    func after(_ count: Int, _ happen: @escaping (SimPipe) -> Void) { incident = (count, happen) }

    /// Nothing arrives before that time has passed.
    func stall(for duration: Duration) { lastArrival = max(lastArrival, clock.now().advanced(by: duration)) }

    // MARK: The receiver

    /// The next bytes, as one read brings them; `nil` for none.
    func read() -> ByteBuffer? {
        let count = min(received.readableBytes, manner.readBytes)
        guard count > 0, let bytes = received.readSlice(length: count) else { return nil }
        if received.readableBytes == 0 { received = ByteBuffer() }
        transmit()
        return bytes
    }

    // MARK: Inside

    private func transmit() {
        guard !isCut else { return }
        let couldTakeMore = hasRoom
        var room = manner.receiveBytes - received.readableBytes - underwayBytes
        while unsent.readableBytes > 0, room > 0 {
            var limit = manner.pieceBytes
            if manner.smallPieces > 0 {
                manner.smallPieces -= 1
                limit = 1 + random.below(limit)
            } else if limit < 64 * 1024 {
                limit = 64 * 1024
            }
            guard let piece = unsent.readSlice(length: min(limit, room, unsent.readableBytes)) else { break }
            room -= piece.readableBytes
            underwayBytes += piece.readableBytes
            sentBytes += piece.readableBytes
            put(.bytes(piece))
            if let incident, sentBytes > incident.after {
                self.incident = nil
                incident.happen(self)
                if isCut { return }
            }
        }
        if unsent.readableBytes == 0 {
            unsent = ByteBuffer()
            if isEnding, !isEndSent {
                isEndSent = true
                put(.end)
            }
        }
        if !couldTakeMore, hasRoom { onRoom() }
    }

    private func put(_ content: Content) {
        let at = max(lastArrival, clock.now().advanced(by: random.duration(below: manner.latency)))
        lastArrival = at
        underway.append((content, at))
        if underway.count == 1 { arm(at) }
    }

    private func arm(_ instant: Instant) {
        nonisolated(unsafe) let pipe = self
        _ = clock.call(at: instant) { pipe.arrive() }
    }

    private func arrive() {
        let now = clock.now()
        var count = 0
        var hasReset = false
        for (content, at) in underway {
            guard at <= now else { break }
            count += 1
            switch content {
            case .bytes(var bytes):
                underwayBytes -= bytes.readableBytes
                if received.readableBytes == 0 { received = bytes } else { received.writeBuffer(&bytes) }
            case .end: hasEnded = true
            case .reset: hasReset = true
            }
        }
        underway.removeFirst(count)
        if let next = underway.first { arm(next.at) }
        guard count > 0 else { return }
        if hasReset { return onReset() }
        if let onArrivalForNobody {
            if received.readableBytes > 0 {
                received.clear()
                onArrivalForNobody()
            }
            return
        }
        onArrival()
    }
}
