import Crypto
import Foundation
import Invok

/// A file that an index names.
struct PackageLink: Hashable, Sendable {
    let url: RegistryURL
    var hash: PackageHash?
    /// Of the file's metadata, beside it (PEP 658).
    var metadataHash: PackageHash?
    /// Whether it is elsewhere than the page that names it: what the operator shows to another registry is not for it.
    let isForeign: Bool

    /// - Parameters:
    ///   - page: where it is named.
    ///   - base: what a relative reference is relative to; the page, unless it says otherwise.
    /// - Returns: `nil` for what no index has to name. What runs in a build may have written the page, and must not learn by
    ///   the core what answers in its network: only the registry itself, and public names by TLS.
    init?(_ reference: some StringProtocol, on page: RegistryURL, base: RegistryURL? = nil, hash: PackageHash? = nil) {
        guard let url = (base ?? page).resolving(reference), url.fileName != nil else { return nil }
        if url.origin != page.origin {
            let last = url.host.split(separator: ".", omittingEmptySubsequences: false).last?.first
            guard url.scheme == "https", url.port == nil, url.host.contains("."), last?.isLetter == true else {
                return nil
            }
            guard !["localhost", "local", "internal"].contains(where: { url.host.hasSuffix("." + $0) }) else {
                return nil
            }
        }
        (self.url, self.hash, isForeign) = (url, hash, url.origin != page.origin)
    }

    fileprivate init(url: RegistryURL, hash: PackageHash?, metadataHash: PackageHash?, isForeign: Bool) {
        (self.url, self.hash, self.metadataHash, self.isForeign) = (url, hash, metadataHash, isForeign)
    }
}

/// Writes addresses of files into pages so that a build can ask for those alone: each is signed (HMAC, RFC 2104), and one
/// that no page has named is not asked for.
struct LinkSigner: Sendable {
    private let key: SymmetricKey

    /// - Parameter secret: any number of bytes.
    init(secret: [UInt8]) { key = SymmetricKey(data: secret) }

    /// Names the key, and tells nothing of it.
    var name: String { Digest(of: HMAC<SHA256>.authenticationCode(for: Data("name".utf8), using: key)).description }

    /// `{MAC}/{payload}/{file name}`.
    func path(of link: PackageLink, _ ecosystem: PackageEcosystem) -> String? {
        guard let name = link.url.fileName, let encoded = name.addingPercentEncoding(withAllowedCharacters: Self.plain)
        else { return nil }
        let parts = [
            ecosystem.rawValue, link.url.description, link.hash?.text ?? "", link.metadataHash?.text ?? "",
            link.isForeign ? "foreign" : "own",
        ]
        let payload = Data(parts.joined(separator: "\n").utf8)
        let mac = HMAC<SHA256>.authenticationCode(for: payload, using: key)
        return "\(Self.encoded(Data(mac)))/\(Self.encoded(payload))/\(encoded)"
    }

    /// The link of such a path's parts.
    func link(mac: some StringProtocol, payload: some StringProtocol, _ ecosystem: PackageEcosystem) -> PackageLink? {
        guard let mac = Self.decoded(mac), let payload = Self.decoded(payload),
            HMAC<SHA256>.isValidAuthenticationCode(mac, authenticating: payload, using: key)
        else { return nil }
        let parts = String(decoding: payload, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0] == ecosystem.rawValue, let url = RegistryURL(parts[1]) else { return nil }
        return PackageLink(
            url: url, hash: PackageHash(fragment: parts[2]), metadataHash: PackageHash(fragment: parts[3]),
            isForeign: parts[4] != "own")
    }

    private static let plain = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+!")

    /// RFC 4648 §5, without padding.
    private static func encoded(_ data: Data) -> String {
        String(
            data.base64EncodedString().compactMap { character in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            })
    }

    private static func decoded(_ text: some StringProtocol) -> Data? {
        let standard = String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        return Data(base64Encoded: standard + String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4))
    }
}
