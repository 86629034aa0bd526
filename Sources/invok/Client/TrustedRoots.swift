import InvokModel
import NIOSSL

/// Whose certificates are trusted: the system's authorities, or those in the file that `SSL_CERT_FILE` names, which OpenSSL
/// and with it most programs go by.
enum TrustedRoots {
    private static let variable = "SSL_CERT_FILE"

    static func configuration(environment: [String: String]) throws(Failure) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        guard let path = environment[variable], !path.isEmpty else { return configuration }
        guard let certificates = try? NIOSSLCertificate.fromPEMFile(path) else {
            throw .file(
                path, "read certificates from", "\(variable) names it, and it is no PEM file with any",
                nextStep: "correct \(variable), or unset it to trust whom this system trusts")
        }
        configuration.trustRoots = .certificates(certificates)
        return configuration
    }

    /// What failed because of a server's certificate, or because it speaks no TLS; `nil` for all else.
    static func failure(_ error: any Error, host: HostAddress) -> Failure? {
        switch error {
        case let error as NIOSSLExtraError where error == .failedToValidateHostname:
            return Failure(
                "untrusted", "the certificate of \(host) is for other names than '\(host.name)'",
                nextStep: "use a name that it is for with --host, or have the server's operator get one for this name")
        case NIOSSLError.handshakeFailed(let reason) where "\(reason)".contains("CERTIFICATE_VERIFY_FAILED"):
            return Failure(
                "untrusted", "the certificate of \(host) is not trusted here: it is expired, or signed by nobody known",
                nextStep: "if it is your own server's, name the certificate by \(variable)=FILE")
        case NIOSSLError.handshakeFailed(let reason):
            // Of what BoringSSL says, the word that it has for it.
            let word = "\(reason)".firstMatch(of: /OPENSSL_internal:(\w+)/).map { " (\($0.1))" } ?? ""
            return Failure(
                "unreachable", "cannot reach \(host): it does not speak TLS as this invok does\(word)",
                nextStep: "if it speaks plain HTTP, begin its address with http://")
        default: return nil
        }
    }
}
