import CLinux
import Glibc
import Invok
import InvokPOSIX

/// A packet that the rules refused, as the kernel tells of it.
struct RefusedPacket: Hashable, Sendable {
    enum Reason: String, Hashable, Sendable {
        case notAllowed = "i"
        case tooManyConnections = "c"
    }

    let place: UInt32
    let reason: Reason
    let address: IPAddress
    let transport: String
    /// `nil` where there are none.
    let port: UInt16?

    /// Where to, as people write it.
    var target: String {
        guard let port else { return "\(address)" }
        return address.bytes.count == 4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }

    /// - Parameters:
    ///   - prefix: what the rule has the kernel say: the reason, and the instance's place.
    ///   - packet: its beginning (RFC 791, RFC 8200).
    init?(prefix: String, packet: [UInt8]) {
        guard let reason = prefix.first.flatMap({ Reason(rawValue: String($0)) }),
            let place = UInt32(prefix.dropFirst()),
            let version = packet.first
        else { return nil }
        let (isFour, least) = (version >> 4 == 4, version >> 4 == 4 ? 20 : 40)
        guard packet.count >= least,
            let address = IPAddress(bytes: isFour ? packet[16..<20] : packet[24..<40])
        else { return nil }
        let head = isFour ? Int(version & 0x0F) * 4 : 40
        let next = isFour ? packet[9] : packet[6]
        self.place = place
        self.reason = reason
        self.address = address
        transport = next == 6 ? "tcp" : next == 17 ? "udp" : "protocol \(next)"
        let hasPorts = (next == 6 || next == 17) && packet.count >= head + 4
        port = hasPorts ? UInt16(packet[head + 2]) << 8 | UInt16(packet[head + 3]) : nil
    }
}

/// Hears of refused packets from the kernel: NFLOG, by netlink(7) (linux/netfilter/nfnetlink_log.h).
enum RefusedPackets {
    private static let netfilter: Int32 = 12
    private static let packetMessage: UInt16 = 4 << 8
    private static let configMessage: UInt16 = 4 << 8 | 1
    private enum Attribute {
        static let command: UInt16 = 1
        static let mode: UInt16 = 2
        static let payload: UInt16 = 9
        static let prefix: UInt16 = 10
    }
    private static let copiedBytes: UInt8 = 64
    private static let packetsInARow = 16

    /// A socket that the group's packets come to, in the namespace of the thread that calls.
    static func listen(to group: UInt16) throws(SystemError) -> Descriptor {
        let type = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let number = socket(AF_NETLINK, type, netfilter)
        guard number >= 0 else { throw SystemError("socket") }
        let descriptor = Descriptor(number)
        // Bind to the group (NFULNL_CFG_CMD_BIND), then have the beginnings of packets copied (NFULNL_COPY_PACKET).
        try configure(descriptor, group, Attribute.command, [1])
        try configure(descriptor, group, Attribute.mode, [0, 0, 0, copiedBytes, 2, 0])
        return descriptor
    }

    private static func configure(
        _ descriptor: Descriptor, _ group: UInt16, _ attribute: UInt16, _ value: [UInt8]
    ) throws(SystemError) {
        let padded = value + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
        let body: [UInt8] =
            [0, 0, UInt8(group >> 8), UInt8(group & 0xFF)] + own(UInt16(4 + value.count)) + own(attribute) + padded
        // NLM_F_REQUEST and NLM_F_ACK.
        let head = own(UInt32(16 + body.count)) + own(configMessage) + own(UInt16(5)) + own(UInt32(1)) + own(UInt32(0))
        try descriptor.writeAll(head + body)
        guard descriptor.waitReadable(milliseconds: 1000),
            let answer = receive(descriptor), answer.count >= 20, number(answer, 4, 2) == 2
        else { throw SystemError("netlink", code: EPROTO) }
        let code = Int32(truncatingIfNeeded: number(answer, 16, 4))
        guard code == 0 else { throw SystemError("netlink", code: -code) }
    }

    /// Calls back for each packet there is.
    static func read(_ descriptor: Descriptor, _ take: (RefusedPacket) -> Void) -> EventThread.Next {
        for _ in 0..<packetsInARow {
            guard let bytes = receive(descriptor) else { return .more }
            parse(bytes).forEach(take)
        }
        return .pause
    }

    private static func receive(_ descriptor: Descriptor) -> [UInt8]? {
        DatagramSocket.receive(from: descriptor, atMost: 16_384)?.bytes
    }

    /// Messages with their heads, and attributes in them, each aligned to four bytes.
    static func parse(_ bytes: [UInt8]) -> [RefusedPacket] {
        var (packets, at) = ([RefusedPacket](), 0)
        while at + 20 <= bytes.count {
            let count = number(bytes, at, 4)
            guard count >= 20, at + count <= bytes.count else { break }
            if number(bytes, at + 4, 2) == Int(packetMessage) {
                let attributes = attributes(bytes, at + 20, at + count)
                let prefix = (attributes[Attribute.prefix] ?? []).prefix { $0 != 0 }
                if let packet = attributes[Attribute.payload].flatMap({
                    RefusedPacket(prefix: String(decoding: prefix, as: UTF8.self), packet: $0)
                }) {
                    packets.append(packet)
                }
            }
            at += (count + 3) & ~3
        }
        return packets
    }

    private static func attributes(_ bytes: [UInt8], _ start: Int, _ end: Int) -> [UInt16: [UInt8]] {
        var (found, at) = ([UInt16: [UInt8]](), start)
        while at + 4 <= end {
            let count = number(bytes, at, 2)
            guard count >= 4, at + count <= end else { break }
            found[UInt16(number(bytes, at + 2, 2) & 0x3FFF)] = Array(bytes[(at + 4)..<(at + count)])
            at += (count + 3) & ~3
        }
        return found
    }

    /// In the machine's order.
    private static func own<Number: FixedWidthInteger>(_ value: Number) -> [UInt8] {
        withUnsafeBytes(of: value) { Array($0) }
    }

    private static func number(_ bytes: [UInt8], _ at: Int, _ count: Int) -> Int {
        bytes[at..<(at + count)].withUnsafeBytes {
            count == 2
                ? Int($0.loadUnaligned(as: UInt16.self)) : Int(truncatingIfNeeded: $0.loadUnaligned(as: UInt32.self))
        }
    }
}
