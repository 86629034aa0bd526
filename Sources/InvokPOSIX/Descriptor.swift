import CLinux
import Glibc

/// An open file descriptor, closed with its last reference. Always close-on-exec: what a sandbox gets, it is given.
package final class Descriptor: Sendable {
    package let number: Int32
    /// What it was opened as, for errors; empty when it has no name.
    private let path: String

    /// Takes ownership.
    package convenience init(_ number: Int32) { self.init(number, path: "") }

    private init(_ number: Int32, path: String) {
        self.number = number
        self.path = path
    }

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
        let number = retrying { Int(Glibc.open(path, flags | O_CLOEXEC, mode)) }
        guard number >= 0 else { throw SystemError("open", path) }
        return Descriptor(Int32(number), path: path)
    }

    /// A handle on a process that stays true when its identifier is used again; readable once it has ended.
    package static func process(_ identifier: pid_t) throws(SystemError) -> Descriptor {
        let number = linux_pidfd_open(identifier)
        guard number >= 0 else { throw SystemError("pidfd_open") }
        return Descriptor(number)
    }

    /// Writes at its position.
    package func writeAll(_ bytes: [UInt8]) throws(SystemError) { try writeAll(bytes[...]) }

    /// Writes at its position.
    package func writeAll(_ bytes: ArraySlice<UInt8>) throws(SystemError) {
        var rest = bytes
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { buffer in retrying { write(number, buffer.baseAddress, buffer.count) }
            }
            guard written >= 0 else { throw SystemError("write", path) }
            rest = rest.dropFirst(written)
        }
    }

    /// Reads what is there.
    /// - Returns: no bytes at the end, `nil` when there is nothing yet.
    package func readSome(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int? {
        let count = retrying { Glibc.read(number, buffer.baseAddress, buffer.count) }
        if count >= 0 { return count }
        if errno == EAGAIN { return nil }
        throw SystemError("read", path)
    }

    /// Reads all bytes of a range of a file, wherever its position is (pread(2)).
    /// - Throws: also when the file ends in the range, with `EIO`.
    package func read(_ range: Range<Int>) throws(SystemError) -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            while count < range.count, let base = buffer.baseAddress {
                let read = retrying {
                    pread(number, base + count, range.count - count, off_t(range.lowerBound + count))
                }
                guard read > 0 else {
                    code = read < 0 ? errno : EIO
                    return
                }
                count += read
            }
        }
        guard code == 0 else { throw SystemError("read", path, code: code) }
        return bytes
    }

    /// What the system knows of the file: its size, its owner, its mode.
    package func status() throws(SystemError) -> stat {
        var status = stat()
        guard fstat(number, &status) == 0 else { throw SystemError("read", path) }
        return status
    }

    /// Gives the file exactly this mode, whatever the umask.
    package func setMode(_ mode: mode_t) throws(SystemError) {
        guard fchmod(number, mode) == 0 else { throw SystemError("chmod", path) }
    }

    /// Cuts the file off behind so many bytes.
    package func truncate(to count: Int) throws(SystemError) {
        guard ftruncate(number, off_t(count)) == 0 else { throw SystemError("write", path) }
    }

    /// Returns when what was written to the file, or the directory's list of names, is on the disk.
    package func synchronize() throws(SystemError) {
        guard fsync(number) == 0 else { throw SystemError("fsync", path) }
    }

    /// Returns when all that was written to its file system is on the disk.
    package func synchronizeFileSystem() throws(SystemError) {
        guard linux_syncfs(number) == 0 else { throw SystemError("syncfs", path) }
    }

    /// Waits until it is readable.
    /// - Returns: whether that happened in time.
    package func waitReadable(milliseconds: Int32) -> Bool {
        var entry = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
        return retrying { Int(poll(&entry, 1, milliseconds)) } > 0
    }
}
