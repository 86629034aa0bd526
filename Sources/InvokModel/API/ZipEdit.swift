/// Puts other content in the place of one file of a zip archive (PKWARE APPNOTE 6.3.10). All other entries stay as they
/// are, byte for byte and compressed, so that the archive grows by no more than the new content, and only its directory
/// is read.
enum ZipEdit {
    private static let endSize = 22
    private static let maximumCommentBytes = 65_535

    /// - Parameters:
    ///   - path: as the archive names it, but for any leading `./`.
    ///   - archive: one that a reader has found whole.
    /// - Returns: `nil` for an archive of a form that is not understood here: with a zip64 directory, or in which not just
    ///   one entry has this path.
    /// - Throws: what the source throws.
    static func replacing(
        _ path: String, by content: [UInt8], in archive: any ByteSource
    ) throws(InvokError) -> (any ByteSource)? {
        guard let (start, record) = try end(of: archive),
            let headers = Header.list(in: try archive.read(start..<archive.count - record.count))
        else { return nil }
        let name = Array(path.utf8)
        let found = headers.filter { $0.name.elementsEqual(name) }
        guard found.count == 1, let old = found.first, headers.allSatisfy({ $0.local <= start }) else { return nil }
        let after = headers.map(\.local).filter { $0 > old.local }.min() ?? start

        var entry = ZipWriter()
        entry.add(String(decoding: old.fullName, as: UTF8.self), content: content)
        let (local, central) = entry.parts
        let shift = local.count - (after - old.local)
        var directory: [UInt8] = []
        for header in headers {
            var bytes = header.local == old.local ? central : Array(header.bytes)
            bytes.put(UInt32(header.local > old.local ? header.local + shift : header.local), at: Header.localOffset)
            directory += bytes
        }
        var end = record
        end.put(UInt32(directory.count), at: 12)
        end.put(UInt32(start + shift), at: 16)

        var result = SplicedBytes(archive)
        result.add(0..<old.local)
        result.add(local)
        result.add(after..<start)
        result.add(directory + end)
        return result
    }

    /// Finds the record at the end (§4.3.16).
    /// - Returns: where the directory starts, which it reaches up to, and the record with its comment.
    private static func end(of archive: any ByteSource) throws(InvokError) -> (start: Int, record: [UInt8])? {
        let tail = try archive.read(max(0, archive.count - endSize - maximumCommentBytes)..<archive.count)
        guard tail.count >= endSize,
            let position = (0...tail.count - endSize).last(where: { tail.integer(4, at: $0) == 0x0605_4B50 }),
            let size = tail.integer(4, at: position + 12), let start = tail.integer(4, at: position + 16),
            start + size == archive.count - tail.count + position, size <= ArchiveLimits.maximumDirectoryBytes
        else { return nil }
        return (start, Array(tail[position...]))
    }

    /// A header of the central directory (§4.3.12).
    private struct Header {
        static let fixedSize = 46
        static let localOffset = 42

        let bytes: ArraySlice<UInt8>
        let fullName: ArraySlice<UInt8>
        /// Where the entry's own header is.
        let local: Int

        /// Without any leading `./`.
        var name: ArraySlice<UInt8> {
            var name = fullName
            while name.starts(with: "./".utf8) { name = name.dropFirst(2) }
            return name
        }

        /// All headers of a directory; `nil` when it is not made of them alone.
        static func list(in directory: [UInt8]) -> [Header]? {
            var headers: [Header] = []
            var position = 0
            while position < directory.count {
                guard let header = Header(at: position, in: directory) else { return nil }
                headers.append(header)
                position = header.bytes.endIndex
            }
            return headers
        }

        private init?(at position: Int, in directory: [UInt8]) {
            guard directory.integer(4, at: position) == 0x0201_4B50,
                let nameLength = directory.integer(2, at: position + 28),
                let extra = directory.integer(2, at: position + 30),
                let comment = directory.integer(2, at: position + 32),
                let local = directory.integer(4, at: position + Self.localOffset), local != 0xFFFF_FFFF,
                case let nameStart = position + Self.fixedSize,
                case let end = nameStart + nameLength + extra + comment, end <= directory.count
            else { return nil }
            bytes = directory[position..<end]
            fullName = directory[nameStart..<nameStart + nameLength]
            self.local = local
        }
    }
}

extension [UInt8] {
    /// A little-endian number; `nil` when the bytes end before.
    fileprivate func integer(_ width: Int, at position: Int) -> Int? {
        guard position >= 0, position + width <= count else { return nil }
        return self[position..<position + width].reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// Writes a number over what is there, little-endian.
    fileprivate mutating func put(_ value: UInt32, at position: Int) {
        for index in 0..<4 { self[position + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index))) }
    }
}
