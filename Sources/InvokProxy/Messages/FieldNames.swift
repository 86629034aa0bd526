/// A set of field names, which are the same in any letter case (RFC 9110 §5.1).
struct FieldNames: Sendable {
    /// In lower case, by their lengths.
    private let byLength: [[[UInt8]]]
    /// By their lengths, the letters that they begin with, a bit for each: most names that are asked for are none of these.
    private let firstLetters: [UInt32]

    init(_ names: [String]) {
        let names = names.map { Array($0.lowercased().utf8) }
        let lengths = 0...(names.map(\.count).max() ?? 0)
        byLength = lengths.map { length in names.filter { $0.count == length } }
        firstLetters = byLength.map { names in names.reduce(0) { $0 | Self.bit($1[0]) } }
    }

    func contains(_ name: ArraySlice<UInt8>) -> Bool {
        guard let first = name.first, name.count < firstLetters.count, firstLetters[name.count] & Self.bit(first) != 0
        else { return false }
        return byLength[name.count].contains { Characters.areEqual(name, $0) }
    }

    private static func bit(_ letter: UInt8) -> UInt32 { 1 << UInt32(letter & 0x1F) }
}
