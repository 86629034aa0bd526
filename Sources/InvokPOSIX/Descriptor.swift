import CLinux
import Glibc

/// An open file descriptor, closed with its last reference. Always close-on-exec: what a sandbox gets, it is given.
package final class Descriptor: Sendable {
    package let number: Int32

    /// Takes ownership.
    package init(_ number: Int32) { self.number = number }

    deinit { close(number) }

    /// The two ends of a pipe, the reading one not blocking.
    package static func pipe() throws(SystemError) -> (reading: Descriptor, writing: Descriptor) {
        var ends: [Int32] = [-1, -1]
        guard linux_pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemError("pipe2") }
        let pair = (reading: Descriptor(ends[0]), writing: Descriptor(ends[1]))
        guard fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 else { throw SystemError("fcntl") }
        return pair
    }

    /// A pipe's reading end that holds the bytes and then ends. Up to 64 KiB fit without a reader.
    package static func holding(_ bytes: [UInt8]) throws(SystemError) -> Descriptor {
        var ends: [Int32] = [-1, -1]
        guard linux_pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemError("pipe2") }
        let (reading, writing) = (Descriptor(ends[0]), Descriptor(ends[1]))
        try writing.writeAll(bytes)
        return reading
    }

    package static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(SystemError) -> Descriptor {
        let number = Glibc.open(path, flags | O_CLOEXEC, mode)
        guard number >= 0 else { throw SystemError("open", path) }
        return Descriptor(number)
    }

    /// A handle on a process that stays true when its identifier is used again; readable once it has ended.
    package static func process(_ identifier: pid_t) throws(SystemError) -> Descriptor {
        let number = linux_pidfd_open(identifier)
        guard number >= 0 else { throw SystemError("pidfd_open") }
        return Descriptor(number)
    }

    package func writeAll(_ bytes: [UInt8]) throws(SystemError) { try writeAll(bytes[...]) }

    package func writeAll(_ bytes: ArraySlice<UInt8>) throws(SystemError) {
        var rest = bytes
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { buffer in retrying { write(number, buffer.baseAddress, buffer.count) }
            }
            guard written >= 0 else { throw SystemError("write") }
            rest = rest.dropFirst(written)
        }
    }

    /// Reads what is there.
    /// - Returns: no bytes at the end, `nil` when there is nothing yet.
    package func readSome(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int? {
        let count = retrying { read(number, buffer.baseAddress, buffer.count) }
        if count >= 0 { return count }
        if errno == EAGAIN { return nil }
        throw SystemError("read")
    }

    /// Waits until it is readable.
    /// - Returns: whether that happened in time.
    package func waitReadable(milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        return retrying { Int(poll(&entry, 1, milliseconds)) } > 0
    }
}
