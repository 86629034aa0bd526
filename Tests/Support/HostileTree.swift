import Foundation

/// File trees that no tool makes by accident. Paths are made by descriptors, so that they may be of any depth.
public enum HostileTree: String, CaseIterable, Sendable {
    /// Names that are not UTF-8, one of them with a file in it.
    case namesOfAnyBytes
    /// Deeper than a process has descriptors, and far beyond what a path can name.
    case deep
    /// The same, under names that are not UTF-8 and as long as names can be.
    case deepUnderLongNames
    /// Folders that nobody may enter or write to, one in the other.
    case lockedFolders
    /// FIFOs, sockets, hard links, and links that lead out.
    case specialFiles
    /// More entries than one reading of a directory gives.
    case wide
    /// A file that claims a terabyte.
    case sparse

    /// Makes the tree at the path, a new directory.
    /// - Parameter outside: a file that links lead to.
    public func make(at path: String, outside: String) throws {
        try Self.check(mkdir(path, 0o755))
        let top = try Self.check(open(path, O_RDONLY | O_DIRECTORY))
        defer { close(top) }
        switch self {
        case .namesOfAnyBytes:
            for name in [[0xFF, 0xFE], [0x80], [0x0A], [0x1B, 0x5B, 0x31, 0x6D], [0xC3]] as [[UInt8]] {
                try Self.folder(name, in: top) { try Self.file(name, in: $0) }
            }
        case .deep: try Self.nest(Array("d".utf8), 25_000, in: top)
        case .deepUnderLongNames: try Self.nest([UInt8](repeating: 0xFF, count: 255), 2_000, in: top)
        case .lockedFolders:
            try Self.folder(Array("a".utf8), in: top) { folder in
                try Self.folder(Array("b".utf8), in: folder) { inner in
                    try Self.file(Array("c".utf8), in: inner)
                    try Self.check(fchmod(inner, 0))
                }
                try Self.check(fchmod(folder, 0o500))
            }
            try Self.check(mkdirat(top, "empty", 0))
        case .specialFiles:
            try Self.check(mkfifoat(top, "fifo", 0o644))
            try Self.check(mknodat(top, "socket", S_IFSOCK | 0o644, 0))
            try Self.check(symlinkat(outside, top, "link"))
            try Self.check(symlinkat("../../../../../../etc", top, "folder"))
            try Self.check(linkat(AT_FDCWD, outside, top, "hard", 0))
        case .wide: for number in 0..<30_000 { try Self.file(Array("\(number)".utf8), in: top) }
        case .sparse:
            try Self.file(Array("sparse".utf8), in: top)
            try Self.check(truncate(path + "/sparse", 1 << 40))
        }
    }

    private static func file(_ name: [UInt8], in parent: Int32) throws {
        close(try check(openat(parent, name.map { CChar(bitPattern: $0) } + [0], O_WRONLY | O_CREAT, 0o644)))
    }

    private static func folder(_ name: [UInt8], in parent: Int32, _ body: (Int32) throws -> Void) throws {
        let name = name.map { CChar(bitPattern: $0) } + [0]
        try check(mkdirat(parent, name, 0o755))
        let number = try check(openat(parent, name, O_RDONLY | O_DIRECTORY))
        defer { close(number) }
        try body(number)
    }

    private static func nest(_ name: [UInt8], _ depth: Int, in top: Int32) throws {
        let name = name.map { CChar(bitPattern: $0) } + [0]
        var current = try check(dup(top))
        for _ in 0..<depth {
            try check(mkdirat(current, name, 0o755))
            let next = try check(openat(current, name, O_RDONLY | O_DIRECTORY))
            close(current)
            current = next
        }
        close(current)
    }

    @discardableResult
    private static func check(_ result: Int32) throws -> Int32 {
        guard result >= 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
        return result
    }
}
