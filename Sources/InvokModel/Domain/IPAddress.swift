#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An IP address, as it is compared: an IPv4 address that is written as an IPv6 one (RFC 4291 §2.5.5.2) is that IPv4
/// address.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16, in the network's order.
    public let bytes: [UInt8]

    /// - Parameter text: in the usual form, without a port or brackets; an IPv6 zone is passed over.
    /// - Returns: `nil` for anything else.
    public init?(_ text: some StringProtocol) {
        let text = String(text.prefix { $0 != "%" })
        var (four, six) = (in_addr(), in6_addr())
        if inet_pton(AF_INET, text, &four) == 1 {
            bytes = withUnsafeBytes(of: four) { Array($0) }
        } else if inet_pton(AF_INET6, text, &six) == 1 {
            let all = withUnsafeBytes(of: six) { Array($0) }
            bytes = Self.isMapped(all) ? Array(all.suffix(4)) : all
        } else {
            return nil
        }
    }

    /// - Parameter bytes: 4 or 16, in the network's order.
    /// - Returns: `nil` for any other number of them.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        let all = Array(bytes)
        self.bytes = Self.isMapped(all) ? Array(all.suffix(4)) : all
    }

    /// Whether 16 bytes are an IPv4 address written as an IPv6 one.
    package static func isMapped(_ bytes: [UInt8]) -> Bool {
        bytes.count == 16 && bytes.prefix(10).allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
    }

    public var isLoopback: Bool {
        bytes.count == 4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
    }

    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = bytes.withUnsafeBytes {
            inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, $0.baseAddress, &text, socklen_t(text.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whoever has one IPv6 address has the 2^64 of its network: limits count by this.
    public var network: AddressRange { AddressRange(self, prefix: bytes.count == 4 ? 32 : 64) }
}

/// A range of addresses, CIDR (RFC 4632, RFC 4291 §2.3).
public struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    /// The first address, 4 or 16 bytes.
    package let bytes: [UInt8]
    /// How many bits all of its addresses have in common.
    package let prefix: Int

    /// - Parameter text: `10.0.0.0/8`, `fd00::/8`, or one address.
    public init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first) else { return nil }
        let all = address.bytes.count * 8
        guard parts.count == 2 else {
            self.init(address, prefix: all)
            return
        }
        guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let prefix = Int(parts[1]), prefix <= all else {
            return nil
        }
        self.init(address, prefix: prefix)
    }

    /// - Parameter prefix: how many bits all of its addresses have in common.
    package init(_ address: IPAddress, prefix: Int) {
        self.prefix = prefix
        bytes = address.bytes.enumerated().map { index, byte in
            byte & ~(UInt8(truncatingIfNeeded: 0xFF >> min(8, max(0, prefix - index * 8))))
        }
    }

    public func contains(_ address: IPAddress) -> Bool {
        address.bytes.count == bytes.count && AddressRange(address, prefix: prefix) == self
    }

    /// Whether all of another range lies in this one.
    package func contains(_ other: AddressRange) -> Bool {
        other.prefix >= prefix && IPAddress(bytes: other.bytes).map(contains) ?? false
    }

    package func overlaps(_ other: AddressRange) -> Bool { contains(other) || other.contains(self) }

    public var description: String {
        let groups =
            bytes.count == 4
            ? bytes.map { String($0) }.joined(separator: ".")
            : stride(from: 0, to: 16, by: 2).map { String(Int(bytes[$0]) << 8 | Int(bytes[$0 + 1]), radix: 16) }
                .joined(separator: ":")
        return "\(groups)/\(prefix)"
    }
}
