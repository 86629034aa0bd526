import NIOSSL

/// How a test speaks TLS to a server whose certificate it has made.
public struct TLSClient: Sendable {
    private var configuration = TLSConfiguration.makeClientConfiguration()

    /// - Parameters:
    ///   - certificate: the file that has the one certificate that is trusted.
    ///   - protocols: what it offers by ALPN.
    ///   - versions: what it can speak.
    public init(
        trusting certificate: String, protocols: [String] = [], versions: ClosedRange<Int> = 2...3
    ) throws {
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(certificate))
        // By address, as whom it connects to.
        configuration.certificateVerification = .fullVerification
        configuration.applicationProtocols = protocols
        let known: [TLSVersion] = [.tlsv1, .tlsv11, .tlsv12, .tlsv13]
        configuration.minimumTLSVersion = known[versions.lowerBound]
        configuration.maximumTLSVersion = known[versions.upperBound]
    }

    func context() throws -> NIOSSLContext { try NIOSSLContext(configuration: configuration) }
}
