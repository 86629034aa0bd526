import Invok
import InvokSim

/// An upload that no honest tool makes. None becomes a version.
enum SimHostileArchive: CaseIterable, Sendable {
    case noise, empty, truncated, wrongContent, hugeSize, tooLarge, manyEntries
    case link, absolutePath, parentPath, deepPath, sameFileTwice, fileAsFolder
    case nestedConfig, otherName, noSource

    /// - Parameter key: the function that it is uploaded for.
    func bytes(for key: FunctionKey, _ random: inout SimGenerator) -> [UInt8] {
        let name = key.name.description
        switch self {
        case .noise: return (0..<1000).map { _ in UInt8(random.below(256)) }
        case .empty: return []
        case .truncated: return Array(Self.zip(name).dropLast(1 + random.below(60)))
        case .wrongContent:
            var bytes = Self.zip(name)
            // In the first file's content: behind its header of 30 bytes and its name.
            bytes[30 + "config.json".utf8.count] ^= 1
            return bytes
        // Both sizes of the first entry, as the central directory has them.
        case .hugeSize: return Self.edit(Self.zip(name), at: 20, Array(repeating: 0xFF, count: 8))
        // The Unix mode of a link, in the upper half of the external attributes.
        case .link: return Self.edit(Self.zip(name), at: 38, [0, 0, 0xFF, 0xA1])
        case .tooLarge: return Self.zip(name, more: ["x": Array(repeating: 0x78, count: 70 << 10)])
        case .manyEntries:
            return Self.zip(name, more: Dictionary(uniqueKeysWithValues: (0..<200).map { ("\($0)", []) }))
        case .absolutePath: return Self.zip(name, more: ["/etc/passwd": []])
        case .parentPath: return Self.zip(name, more: ["../../../etc/passwd": []])
        case .deepPath: return Self.zip(name, more: [String(repeating: "a/", count: 200) + "a": []])
        case .sameFileTwice: return Self.zip(name, more: ["FUNCTION.py": []])
        case .fileAsFolder: return Self.zip(name, more: ["function.py/function.py": []])
        case .nestedConfig: return Self.zip(name, config: String(repeating: "[", count: 20_000))
        case .otherName: return Self.zip("somebody-elses")
        case .noSource: return Self.zip(name, source: "function.txt")
        }
    }

    private static func zip(
        _ name: String, config: String? = nil, source: String = "function.py", more: [String: [UInt8]] = [:]
    ) -> [UInt8] {
        var zip = ZipWriter()
        let config = config ?? #"{"function_name":"\#(name)","runtime":"python"}"#
        zip.add("config.json", content: Array(config.utf8))
        zip.add(source, content: Array("# sim: hello\n".utf8))
        for (path, content) in more.sorted(by: { $0.key < $1.key }) { zip.add(path, content: content) }
        return zip.finish()
    }

    /// Writes over what the first header of the central directory says.
    private static func edit(_ zip: [UInt8], at offset: Int, _ new: [UInt8]) -> [UInt8] {
        var zip = zip
        // The record at the end, which is 22 bytes long, says where the directory begins.
        let start = (0..<4).reduce(0) { $0 | Int(zip[zip.count - 6 + $1]) << (8 * $1) }
        zip.replaceSubrange(start + offset..<start + offset + new.count, with: new)
        return zip
    }
}
