@testable import InvokBuild

/// Writes tar streams, right ones and wrong ones.
struct TarFixture {
    static let file = UInt8(ascii: "0")
    static let folder = UInt8(ascii: "5")

    private(set) var bytes: [UInt8] = []

    /// Adds a header, and the contents with what fills the block up.
    /// - Parameters:
    ///   - size: what the header says, where that is not how long the contents are.
    ///   - change: is done to the header before its sum is put into it.
    mutating func add(
        _ path: [UInt8], type: UInt8 = file, _ contents: [UInt8] = [], size: String? = nil,
        change: (inout [UInt8]) -> Void = { _ in }
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: some Sequence<UInt8>, at offset: Int) {
            for (index, byte) in text.enumerated() { header[offset + index] = byte }
        }
        func octal(_ value: Int, _ digits: Int) -> String {
            let text = String(value, radix: 8)
            return String(repeating: "0", count: digits - text.count) + text
        }
        put(path.prefix(100), at: 0)
        put("0000644".utf8, at: 100)
        put((size ?? octal(contents.count, 11)).utf8, at: 124)
        header[156] = type
        put("ustar  ".utf8, at: 257)
        change(&header)
        put("        ".utf8, at: 148)
        put((octal(header.reduce(0) { $0 + Int($1) }, 6) + "\0 ").utf8, at: 148)
        bytes += header + contents + [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
    }

    mutating func add(_ path: String, type: UInt8 = file, _ contents: [UInt8] = []) {
        add(Array(path.utf8), type: type, contents)
    }

    /// A name that no header has room for, as GNU's tar writes it.
    mutating func addLongName(_ path: [UInt8]) {
        add(Array("././@LongLink".utf8), type: UInt8(ascii: "L"), path + [0])
    }

    /// With the end that a writer puts behind all.
    var whole: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}
