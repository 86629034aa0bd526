/// Writes a zip archive (PKWARE APPNOTE 6.3.10): what the CLI uploads. The same files give the same bytes: no times are
/// kept, so that those before 1980 and after 2107, which a zip archive cannot say, are no matter. It compresses nothing
/// itself; whoever has a library for that hands over what it made.
public struct ZipWriter: Sendable {
    private var local: [UInt8] = []
    private var central: [UInt8] = []
    private var count: UInt16 = 0

    public init() {}

    /// Adds a regular file.
    /// - Parameters:
    ///   - path: relative, `/` between components, UTF-8.
    ///   - content: less than 4 GiB.
    ///   - isExecutable: whether it is a program or a script.
    ///   - deflated: the content compressed (RFC 1951); `nil` stores it as it is.
    public mutating func add(
        _ path: String, content: [UInt8], isExecutable: Bool = false, deflated: [UInt8]? = nil
    ) {
        let name = Array(path.utf8)
        let offset = UInt32(local.count)
        let data = deflated ?? content
        // The parts that the local and the central header share: version, UTF-8 names, method, 1980-01-01, sizes.
        var common: [UInt8] = []
        common.append(little: UInt16(20))
        common.append(little: UInt16(0x0800))
        common.append(little: UInt16(deflated == nil ? 0 : 8))
        common.append(little: UInt16(0))
        common.append(little: UInt16(0x0021))
        common.append(little: CRC32.checksum(of: content))
        common.append(little: UInt32(data.count))
        common.append(little: UInt32(content.count))
        common.append(little: UInt16(name.count))
        common.append(little: UInt16(0))

        local.append(little: UInt32(0x0403_4B50))
        local += common + name
        local += data

        central.append(little: UInt32(0x0201_4B50))
        // Made on Unix, so that the mode below counts.
        central.append(little: UInt16(0x0314))
        central += common
        central.append(little: UInt16(0))
        central.append(little: UInt16(0))
        central.append(little: UInt16(0))
        central.append(little: UInt32(isExecutable ? 0o100755 : 0o100644) << 16)
        central.append(little: offset)
        central += name
        count += 1
    }

    /// How large it is so far, without the headers at its end.
    public var bytes: Int { local.count }

    /// The files with their headers, and the headers of the central directory.
    var parts: (local: [UInt8], central: [UInt8]) { (local, central) }

    /// The whole archive.
    public func finish() -> [UInt8] {
        var end: [UInt8] = []
        end.append(little: UInt32(0x0605_4B50))
        end.append(little: UInt32(0))
        end.append(little: count)
        end.append(little: count)
        end.append(little: UInt32(central.count))
        end.append(little: UInt32(local.count))
        end.append(little: UInt16(0))
        return local + central + end
    }
}

/// CRC-32 as zip uses it (ISO 3309, reflected polynomial 0xEDB88320).
package enum CRC32 {
    package static func checksum(of bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ ($0 >> 8) }
    }

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0xEDB8_8320 ^ (value >> 1) : value >> 1 }
    }
}

extension [UInt8] {
    fileprivate mutating func append(little value: some FixedWidthInteger) {
        Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
    }
}
