import Glibc
import InvokModel

/// The entries of an open directory, one after the other (readdir(3)). Names are bytes as the disk has them: anything but
/// `/` and NUL may be in one, and a repaired name is another file's.
struct DirectoryStream: ~Copyable {
    /// A name with its NUL, as system calls take it.
    typealias Name = [CChar]

    /// The folder itself and the one above.
    private static let own: [Name] = [".".nameForCalls, "..".nameForCalls]

    private let stream: OpaquePointer
    let number: Int32

    /// Opens the directory itself, never one behind a link.
    init(_ name: Name, in parent: Int32) throws(SystemError) {
        let number = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw SystemError("open", Self.printable(name)) }
        try self.init(taking: number, named: name)
    }

    /// - Parameter number: an open directory, which is closed with this value.
    init(taking number: Int32, named name: Name) throws(SystemError) {
        guard let stream = fdopendir(number) else {
            let error = SystemError("opendir", Self.printable(name))
            close(number)
            throw error
        }
        self.stream = stream
        self.number = number
    }

    deinit { closedir(stream) }

    /// The next name; `nil` at the end.
    mutating func next() -> Name? {
        while let entry = readdir(stream) {
            // As long as the record says: the array that Swift sees may be longer than what is there.
            let room = Int(entry.pointee.d_reclen) - (MemoryLayout<dirent>.offset(of: \.d_name) ?? 19)
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: room) { bytes -> Name in
                    var name = Name(UnsafeBufferPointer(start: bytes, count: strnlen(bytes, room)))
                    name.append(0)
                    return name
                }
            }
            if !Self.own.contains(name) { return name }
        }
        return nil
    }

    /// Begins again, with what has come meanwhile.
    mutating func rewind() { rewinddir(stream) }

    /// For messages: one that cannot be read, or would steer a terminal, is escaped.
    static func printable(_ name: Name) -> String {
        PlainText.escapedName(name.dropLast().map { UInt8(bitPattern: $0) })
    }
}
