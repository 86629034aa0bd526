#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A scrypt hash in the PHC string format: `$scrypt$ln=17,r=8,p=1$SALT$HASH`, both in Base64 (RFC 4648 §4) without
/// padding.
struct PHCString: CustomStringConvertible {
    let parameters: ScryptParameters
    let salt: [UInt8]
    let hash: [UInt8]

    init(parameters: ScryptParameters, salt: [UInt8], hash: [UInt8]) {
        self.parameters = parameters
        self.salt = salt
        self.hash = hash
    }

    /// - Returns: `nil` for any other text, and for parameters or lengths out of range: a damaged record must not cost
    ///   much more than a sound one.
    init?(_ text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt" else { return nil }
        let settings = parts[2].split(separator: ",", omittingEmptySubsequences: false)
        guard settings.count == 3, let logarithm = Self.number("ln=", settings[0]),
            let blockSize = Self.number("r=", settings[1]), let parallelism = Self.number("p=", settings[2]),
            let parameters = ScryptParameters(
                logarithmOfRounds: logarithm, blockSize: blockSize, parallelism: parallelism),
            let salt = Self.bytes(parts[3]), (8...64).contains(salt.count),
            let hash = Self.bytes(parts[4]), (16...64).contains(hash.count)
        else { return nil }
        self.init(parameters: parameters, salt: salt, hash: hash)
    }

    var description: String {
        "$scrypt$ln=\(parameters.logarithmOfRounds),r=\(parameters.blockSize),p=\(parameters.parallelism)"
            + "$\(Self.text(salt))$\(Self.text(hash))"
    }

    private static func number(_ prefix: String, _ text: Substring) -> Int? {
        guard text.hasPrefix(prefix) else { return nil }
        let digits = text.dropFirst(prefix.count)
        guard digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int(digits)
    }

    private static func text(_ bytes: [UInt8]) -> String {
        String(Data(bytes).base64EncodedString().prefix { $0 != "=" })
    }

    private static func bytes(_ text: Substring) -> [UInt8]? {
        guard !text.contains("=") else { return nil }
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        return Data(base64Encoded: text + padding).map { Array($0) }
    }
}
