/// Puts other content in the place of one file of a zip archive (PKWARE APPNOTE 6.3.10). All other entries stay as they
/// are, byte for byte and compressed, so that the archive grows by no more than the new content.
enum ZipEdit {
    /// - Parameters:
    ///   - path: as the archive names it, but for a leading `./`.
    ///   - archive: one that a reader has found whole.
    /// - Returns: `nil` for an archive of a form that is not understood here: with a zip64 directory, or without the file.
    static func replacing(_ path: String, by content: [UInt8], in archive: [UInt8]) -> [UInt8]? {
        guard
            let end = (max(0, archive.count - 65_557)...max(0, archive.count - 22)).last(where: {
                integer(4, at: $0, in: archive) == 0x0605_4B50
            }), let size = integer(4, at: end + 12, in: archive), let start = integer(4, at: end + 16, in: archive),
            start + size == end
        else { return nil }
        var headers: [Header] = []
        var position = start
        while position < end {
            guard let header = Header(at: position, in: archive) else { return nil }
            headers.append(header)
            position = header.range.upperBound
        }
        let name = Array(path.utf8)
        let found = headers.filter { header in
            let bytes = archive[header.name]
            return bytes.elementsEqual(name) || bytes.elementsEqual(Array("./".utf8) + name)
        }
        guard position == end, found.count == 1, let old = found.first, old.local <= start else { return nil }
        let after = headers.map(\.local).filter { $0 > old.local }.min() ?? start

        var entry = ZipWriter()
        entry.add(String(decoding: archive[old.name], as: UTF8.self), content: content)
        let (local, central) = entry.parts
        let shift = local.count - (after - old.local)
        var result = archive[..<old.local] + local + archive[after..<start]
        let newStart = result.count
        for header in headers {
            var bytes = header.local == old.local ? central : Array(archive[header.range])
            bytes.put(UInt32(header.local > old.local ? header.local + shift : header.local), at: Header.localOffset)
            result += bytes
        }
        var record = Array(archive[end...])
        record.put(UInt32(result.count - newStart), at: 12)
        record.put(UInt32(newStart), at: 16)
        return Array(result + record)
    }

    /// A header of the central directory (§4.3.12).
    private struct Header {
        static let fixedSize = 46
        static let localOffset = 42

        let range: Range<Int>
        let name: Range<Int>
        /// Where the entry's own header is.
        let local: Int

        init?(at position: Int, in archive: [UInt8]) {
            guard integer(4, at: position, in: archive) == 0x0201_4B50,
                let nameLength = integer(2, at: position + 28, in: archive),
                let extra = integer(2, at: position + 30, in: archive),
                let comment = integer(2, at: position + 32, in: archive),
                let local = integer(4, at: position + Self.localOffset, in: archive), local != 0xFFFF_FFFF,
                case let end = position + Self.fixedSize + nameLength + extra + comment, end <= archive.count
            else { return nil }
            range = position..<end
            name = position + Self.fixedSize..<position + Self.fixedSize + nameLength
            self.local = local
        }
    }

    private static func integer(_ width: Int, at position: Int, in bytes: [UInt8]) -> Int? {
        guard position >= 0, position + width <= bytes.count else { return nil }
        return bytes[position..<position + width].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}

extension [UInt8] {
    /// Writes a number over what is there, little-endian.
    fileprivate mutating func put(_ value: UInt32, at position: Int) {
        for index in 0..<4 { self[position + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index))) }
    }
}
