import Crypto
import Foundation

/// What an index says that a file's bytes hash to.
struct PackageHash: Hashable, Sendable {
    /// The better one last.
    enum Algorithm: String, CaseIterable, Comparable, Sendable {
        case md5, sha1, sha224, sha256, sha384, sha512

        static func < (left: Self, right: Self) -> Bool {
            allCases.firstIndex(of: left) ?? 0 < allCases.firstIndex(of: right) ?? 0
        }

        /// `nil` for what cannot be computed here.
        fileprivate var function: (any HashFunction)? {
            switch self {
            case .md5: Insecure.MD5()
            case .sha1: Insecure.SHA1()
            case .sha224: nil
            case .sha256: SHA256()
            case .sha384: SHA384()
            case .sha512: SHA512()
            }
        }
    }

    let algorithm: Algorithm
    let digest: [UInt8]

    init?(_ algorithm: some StringProtocol, hexadecimal: some StringProtocol) {
        guard let algorithm = Algorithm(rawValue: algorithm.lowercased()), algorithm.function != nil else { return nil }
        var digest: [UInt8] = []
        var rest = hexadecimal[...]
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16), rest.count > 1 else { return nil }
            digest.append(byte)
            rest = rest.dropFirst(2)
        }
        guard !digest.isEmpty else { return nil }
        (self.algorithm, self.digest) = (algorithm, digest)
    }

    /// The best of those in a fragment of a link or in an attribute: `sha256=…` (PEP 503).
    init?(fragment: some StringProtocol) {
        let hashes = fragment.split(separator: "&").compactMap { part -> PackageHash? in
            let parts = part.split(separator: "=", maxSplits: 1)
            return parts.count == 2 ? PackageHash(parts[0], hexadecimal: parts[1]) : nil
        }
        guard let best = hashes.max(by: { $0.algorithm < $1.algorithm }) else { return nil }
        self = best
    }

    /// The best of those by name (PEP 691).
    init?(_ hashes: [String: String]) {
        self.init(fragment: hashes.map { "\($0.key)=\($0.value)" }.joined(separator: "&"))
    }

    /// The best of those of a subresource integrity (https://www.w3.org/TR/SRI): `sha512-…`.
    init?(integrity: String) {
        let hashes = integrity.split(separator: " ").compactMap { part -> PackageHash? in
            let parts = part.prefix { $0 != "?" }.split(separator: "-", maxSplits: 1)
            guard parts.count == 2, let digest = Data(base64Encoded: String(parts[1])) else { return nil }
            return PackageHash(
                parts[0], hexadecimal: digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
        }
        guard let best = hashes.max(by: { $0.algorithm < $1.algorithm }) else { return nil }
        self = best
    }

    /// `sha256=` and the digits.
    var text: String {
        algorithm.rawValue + "=" + digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Computes a hash of what comes piece by piece.
    struct Builder {
        private var function: any HashFunction
        private let expected: PackageHash

        init?(_ expected: PackageHash) {
            guard let function = expected.algorithm.function else { return nil }
            (self.function, self.expected) = (function, expected)
        }

        mutating func add(_ bytes: [UInt8]) { function.update(data: bytes) }

        /// Whether that was all of what was expected.
        var isRight: Bool { function.finalize().withUnsafeBytes { Array($0) } == expected.digest }
    }
}
