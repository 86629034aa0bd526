public import Invok
import NIOCore
import NIOSSL

/// What a server proves itself by: its certificate, with those that lead from it to one that its callers know, and the key
/// to it.
public struct TLSIdentity: Sendable {
    /// Why there is none.
    public enum Fault: Error, Hashable, Sendable {
        /// There is no certificate in PEM.
        case noCertificate
        /// What should be a certificate is none.
        case certificate
        /// There is no private key in PEM.
        case noKey
        /// The key can only be read with a passphrase.
        case encryptedKey
        /// What should be a key is none that can be used.
        case key
        /// The key is not that of the first certificate.
        case otherKey
        /// The key is that of a certificate which is not the first.
        case order
    }

    /// What is spoken behind TLS, as ALPN names it (RFC 7301 §6).
    static let applicationProtocol = "http/1.1"

    /// When the server's own certificate begins and ends to be good.
    public let validFrom: Timestamp
    public let validUntil: Timestamp
    /// The server's own certificate (DER, X.690).
    package let certificate: [UInt8]
    let context: NIOSSLContext

    /// - Parameters:
    ///   - certificates: in PEM, the server's own first; what else is there is passed over.
    ///   - key: in PEM, not encrypted.
    public init(certificates: [UInt8], key: [UInt8]) throws(Fault) {
        guard Self.has("CERTIFICATE-----", certificates) else { throw .noCertificate }
        guard let chain = try? NIOSSLCertificate.fromPEMBytes(certificates), let own = chain.first,
            let ownBytes = try? own.toDERBytes()
        else { throw .certificate }
        guard Self.has("PRIVATE KEY-----", key) else { throw .noKey }
        guard !Self.has("ENCRYPTED", key) else { throw .encryptedKey }
        guard let key = try? NIOSSLPrivateKey(bytes: key, format: .pem) else { throw .key }
        guard let context = Self.context(chain, key) else {
            throw chain.dropFirst().contains { Self.context([$0], key) != nil } ? .order : .otherKey
        }
        self.context = context
        certificate = ownBytes
        validFrom = Timestamp(millisecondsSinceEpoch: Int64(own.notValidBefore) * 1000)
        validUntil = Timestamp(millisecondsSinceEpoch: Int64(own.notValidAfter) * 1000)
    }

    private static func has(_ mark: String, _ bytes: [UInt8]) -> Bool { bytes.firstRange(of: Array(mark.utf8)) != nil }

    /// - Returns: `nil` when the key is not that of the first certificate.
    private static func context(_ chain: [NIOSSLCertificate], _ key: NIOSSLPrivateKey) -> NIOSSLContext? {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = [applicationProtocol]
        // Whoever is to go goes at once, as without TLS: the client is told, and its own farewell is not waited for.
        configuration.shutdownTimeout = .zero
        return try? NIOSSLContext(configuration: configuration)
    }
}
