import Invok
import Testing

@testable import InvokEgress

struct RefusedPacketTests {
    /// The beginning of a TCP packet from 198.18.0.1 to 10.9.9.9:80.
    private static let four: [UInt8] =
        [0x45, 0, 0, 60, 0, 0, 0x40, 0, 64, 6, 0, 0, 198, 18, 0, 1, 10, 9, 9, 9] + [0x9C, 0x40, 0, 80]
    private static let six: [UInt8] =
        [0x60, 0, 0, 0, 0, 8, 17, 64] + [UInt8](repeating: 0xFD, count: 16) + [0x26, 0x06]
        + [UInt8](repeating: 0, count: 13) + [1, 0x9C, 0x40, 0, 53]

    @Test func bothFamiliesAreRead() throws {
        let four = try #require(RefusedPacket(prefix: "i17", packet: Self.four))
        #expect(four.place == 17 && four.reason == .notAllowed && four.transport == "tcp")
        #expect(four.target == "10.9.9.9:80")
        let six = try #require(RefusedPacket(prefix: "c3", packet: Self.six))
        #expect(six.place == 3 && six.reason == .tooManyConnections && six.transport == "udp")
        #expect(six.target == "[2606::1]:53")
    }

    /// Options make a head longer.
    @Test func portsStandBehindOptions() throws {
        var packet = Self.four
        packet[0] = 0x46
        packet.insert(contentsOf: [1, 1, 1, 1], at: 20)
        #expect(try #require(RefusedPacket(prefix: "i1", packet: packet)).port == 80)
    }

    @Test func whatIsCutShortIsSurvived() {
        for packet in [Self.four, Self.six] {
            for count in 0..<packet.count { _ = RefusedPacket(prefix: "i1", packet: Array(packet[..<count])) }
        }
        for prefix in ["", "i", "x1", "i-1", "i99999999999"] {
            #expect(RefusedPacket(prefix: prefix, packet: Self.four) == nil)
        }
    }

    @Test func theKernelsMessagesAreTakenApart() {
        func attribute(_ type: UInt8, _ value: [UInt8]) -> [UInt8] {
            [UInt8(4 + value.count), 0, type, 0] + value + [UInt8](repeating: 0, count: (4 - value.count % 4) % 4)
        }
        let body = [2, 0, 0x4E, 0x20] + attribute(10, Array("i17".utf8) + [0]) + attribute(9, Self.four)
        let message = [UInt8(16 + body.count), 0, 0, 0, 0, 4] + [UInt8](repeating: 0, count: 10) + body
        #expect(RefusedPackets.parse(message + message).map(\.target) == ["10.9.9.9:80", "10.9.9.9:80"])
        for count in 0..<message.count { #expect(RefusedPackets.parse(Array(message[..<count])).isEmpty) }
        for index in message.indices {
            var changed = message
            changed[index] = 0xFF
            _ = RefusedPackets.parse(changed)
        }
    }
}
