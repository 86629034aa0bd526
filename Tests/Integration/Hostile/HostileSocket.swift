import Foundation
import TestSupport

#if canImport(Glibc)
    import Glibc
#endif

/// A client that keeps no rule: raw bytes to a socket of this machine. What waits, waits for the socket and no longer than
/// told.
final class HostileSocket {
    private let socket: Int32

    /// - Parameter source: the address to come from, one of 127.0.0.0/8.
    init(port: Int, from source: String = "127.0.0.1") throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { throw POSIXError(.EMFILE) }
        var own = Self.address(source, port: 0)
        var other = Self.address("127.0.0.1", port: port)
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isConnected =
            withUnsafePointer(to: &own) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(socket, $0, size) }
            }
            == 0
            && withUnsafePointer(to: &other) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, size) }
            } == 0
        guard isConnected else {
            let code = errno
            close(socket)
            throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO)
        }
        _ = fcntl(socket, F_SETFL, O_NONBLOCK)
    }

    deinit { close(socket) }

    private static func address(_ text: String, port: Int) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        inet_pton(AF_INET, text, &address.sin_addr)
        return address
    }

    private func wait(for events: Int32, milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
        return poll(&entry, 1, milliseconds) > 0
    }

    /// Sends the bytes again and again.
    /// - Returns: how many were taken until the limit, an error, or a second in which none were.
    @discardableResult
    func send(_ bytes: [UInt8], upTo limit: Int) -> Int {
        var sent = 0
        while sent < limit, wait(for: POLLOUT, milliseconds: 1000) {
            let count = Glibc.send(socket, bytes, min(bytes.count, limit - sent), Int32(MSG_NOSIGNAL))
            guard count > 0 else { break }
            sent += count
        }
        return sent
    }

    @discardableResult
    func send(_ text: String) -> Int { send(Array(text.utf8), upTo: text.utf8.count) }

    /// What comes until the mark, the end, or the time is over.
    func text(through mark: String = "\r\n\r\n", within seconds: Int = 20) -> String {
        var text: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline, wait(for: POLLIN, milliseconds: 100 * Int32(seconds)) {
            let count = recv(socket, &piece, piece.count, 0)
            guard count > 0 else { break }
            text += piece[..<count]
            if String(decoding: text, as: UTF8.self).contains(mark) { break }
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Whether the server ends the connection in that time, whatever it still says.
    func ends(within seconds: Int) -> Bool {
        var piece = [UInt8](repeating: 0, count: 65_536)
        let deadline = ContinuousClock.now + .seconds(seconds)
        while ContinuousClock.now < deadline {
            guard wait(for: POLLIN, milliseconds: 100) else { continue }
            if recv(socket, &piece, piece.count, 0) <= 0 { return true }
        }
        return false
    }
}

extension CoreProcess {
    /// What it holds of the machine.
    struct Holdings {
        /// Resident memory in bytes.
        var memory: Int
        var descriptors: Int
    }

    var holdings: Holdings {
        let status = (try? String(contentsOfFile: "/proc/\(processIdentifier)/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        let kilobytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap { Int($0) }
        let descriptors = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(processIdentifier)/fd")
        return Holdings(memory: (kilobytes ?? 0) * 1024, descriptors: descriptors?.count ?? 0)
    }
}
