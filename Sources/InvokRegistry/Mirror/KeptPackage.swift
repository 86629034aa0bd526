import Glibc
import InvokPOSIX
import Synchronization

/// A package or a page that is kept: a line about it, and behind it the bytes. It stays readable while it is held, also when
/// it is kept no more. Its calls block on the disk.
final class KeptPackage: Sendable {
    /// What is known of it.
    struct Head: Hashable, Sendable {
        /// The address that was asked, of several.
        var place = ""
        /// Its entity tag there; empty for none.
        var tag = ""
        var contentType = ""

        /// A line, with its end.
        var line: [UInt8] {
            let parts = [place, tag, contentType].map { part in
                String(String.UnicodeScalarView(part.unicodeScalars.filter { (0x20...0x7E).contains($0.value) }))
            }
            return Array((parts.joined(separator: "\t") + "\n").utf8)
        }

        init(place: String = "", tag: String = "", contentType: String = "") {
            (self.place, self.tag, self.contentType) = (place, tag, contentType)
        }

        init?(_ line: some Collection<UInt8>) {
            let parts = String(decoding: line, as: UTF8.self).split(separator: "\t", omittingEmptySubsequences: false)
            guard parts.count == 3 else { return nil }
            self.init(place: String(parts[0]), tag: String(parts[1]), contentType: String(parts[2]))
        }
    }

    static let maximumHead = 16 * 1024

    let head: Head
    /// Of the bytes behind the line.
    let count: Int
    private let start: Int
    private let file: Descriptor

    /// - Returns: `nil` for what is none.
    init?(_ file: Descriptor) throws(SystemError) {
        let bytes = Int(try file.status().st_size)
        let beginning = try file.read(0..<min(bytes, Self.maximumHead))
        guard let end = beginning.firstIndex(of: UInt8(ascii: "\n")), let head = Head(beginning[..<end]) else {
            return nil
        }
        (self.head, self.file, start, count) = (head, file, end + 1, bytes - end - 1)
    }

    func read(_ range: Range<Int>) throws(SystemError) -> [UInt8] {
        try file.read(start + range.lowerBound..<start + range.upperBound)
    }
}

/// A package on its way to the disk. Used by one task at a time; gone with its last reference unless it is kept. Its calls
/// block on the disk.
final class PackageDraft: Sendable {
    private struct State {
        var count = 0
        var hash: PackageHash.Builder?
        var isKept = false
    }

    private let path: String
    private let file: Descriptor
    private let state: Mutex<State>

    init(path: String, head: KeptPackage.Head, expecting hash: PackageHash?) throws(SystemError) {
        self.path = path
        file = try Descriptor.open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW)
        state = Mutex(State(hash: hash.flatMap { PackageHash.Builder($0) }))
        try file.writeAll(head.line)
    }

    deinit { if !state.withLock({ $0.isKept }) { unlink(path) } }

    func append(_ bytes: [UInt8]) throws(SystemError) {
        try file.writeAll(bytes)
        state.withLock { state in
            state.count += bytes.count
            state.hash?.add(bytes)
        }
    }

    /// Whether it is what the index says; true where that says nothing.
    var isRight: Bool { state.withLock { $0.hash?.isRight ?? true } }

    /// All that was written, to be read again.
    func written() throws(SystemError) -> KeptPackage? { try KeptPackage(file) }

    /// Gives it its name, whole and durable.
    func keep(as path: String) throws(SystemError) -> KeptPackage? {
        try file.synchronize()
        try Files.rename(self.path, to: path)
        state.withLock { $0.isKept = true }
        return try KeptPackage(file)
    }
}
