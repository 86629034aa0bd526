import CLinux
import Glibc
import Invok
import InvokPOSIX

/// UDP sockets (udp(7)) in the network namespace of the thread that makes them.
enum DatagramSocket {
    /// Who sent a datagram, to answer it.
    struct Peer: Sendable {
        fileprivate let address: sockaddr_in
    }

    static func bound(to address: IPAddress, port: UInt16) throws(SystemError) -> Descriptor {
        let socket = try make(address)
        guard withSocketAddress(address, port, { bind(socket.number, $0, $1) }) == 0 else {
            throw SystemError("bind", "\(address):\(port)")
        }
        return socket
    }

    /// From a port that the kernel chooses, and deaf to all others.
    static func connected(to address: IPAddress, port: UInt16) throws(SystemError) -> Descriptor {
        let socket = try make(address)
        guard withSocketAddress(address, port, { connect(socket.number, $0, $1) }) == 0 else {
            throw SystemError("connect", "\(address):\(port)")
        }
        return socket
    }

    private static func make(_ address: IPAddress) throws(SystemError) -> Descriptor {
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        let number = socket(address.bytes.count == 4 ? AF_INET : AF_INET6, type, 0)
        guard number >= 0 else { throw SystemError("socket") }
        return Descriptor(number)
    }

    /// - Returns: `nil` when there is none now.
    static func receive(from socket: Descriptor, atMost count: Int) -> (bytes: [UInt8], peer: Peer)? {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        var received = -1
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            received = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
                    retrying { recvfrom(socket.number, buffer.baseAddress, count, 0, peer, &length) }
                }
            }
            filled = max(0, received)
        }
        return received < 0 ? nil : (bytes, Peer(address: address))
    }

    /// What cannot be sent at once is lost, as datagrams are.
    static func send(_ bytes: [UInt8], from socket: Descriptor, to peer: Peer) {
        var address = peer.address
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { peer in
                let flags = Int32(MSG_DONTWAIT) | Int32(MSG_NOSIGNAL)
                _ = sendto(
                    socket.number, bytes, bytes.count, flags, peer, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }

    /// Has whoever watches it look again, and find its end.
    static func shut(_ socket: Descriptor) { shutdown(socket.number, Int32(SHUT_RDWR)) }

    private static func withSocketAddress(
        _ address: IPAddress, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        if address.bytes.count == 4 {
            var four = sockaddr_in()
            four.sin_family = sa_family_t(AF_INET)
            four.sin_port = port.bigEndian
            withUnsafeMutableBytes(of: &four.sin_addr) { $0.copyBytes(from: address.bytes) }
            return withUnsafePointer(to: &four) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        var six = sockaddr_in6()
        six.sin6_family = sa_family_t(AF_INET6)
        six.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &six.sin6_addr) { $0.copyBytes(from: address.bytes) }
        return withUnsafePointer(to: &six) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }
}

/// The resolvers that this machine asks (resolv.conf(5)).
enum Nameservers {
    /// Read anew each time: they change with the machine's network.
    static func read(_ path: String) -> [IPAddress] { parse(Files.text(path) ?? "") }

    static func parse(_ text: String) -> [IPAddress] {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.split(whereSeparator: \.isWhitespace) }
        // As many as the C library takes.
        return lines.filter { $0.first == "nameserver" && $0.count > 1 }.prefix(3).compactMap { IPAddress($0[1]) }
    }
}
