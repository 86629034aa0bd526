import Invok
import InvokPOSIX
import InvokProxy

/// The files of `INVOK_TLS_CERT` and `INVOK_TLS_KEY`.
struct CertificateFiles: Hashable, Sendable {
    private static let certificateVariable = "INVOK_TLS_CERT"
    private static let keyVariable = "INVOK_TLS_KEY"
    /// More than any chain has, in bytes.
    private static let limit = 1 << 20

    let certificate: String
    let key: String

    /// - Parameter setting: the value of a variable.
    /// - Returns: `nil` when neither is set.
    init?(setting: (String) -> String?) throws(ConfigurationError) {
        let (certificate, key) = (setting(Self.certificateVariable), setting(Self.keyVariable))
        for (variable, value) in [(Self.certificateVariable, certificate), (Self.keyVariable, key)]
        where value?.contains("-----BEGIN") == true {
            throw ConfigurationError(message: "\(variable) has what belongs into a file, and must be that file's path")
        }
        switch (certificate, key) {
        case (let certificate?, let key?): (self.certificate, self.key) = (certificate, key)
        case (nil, nil): return nil
        case (let set, _):
            let (given, missing) =
                set == nil
                ? (Self.keyVariable, Self.certificateVariable) : (Self.certificateVariable, Self.keyVariable)
            throw ConfigurationError(
                message: "\(given) is set, but \(missing) is not\nset both for TLS, or neither for plain HTTP")
        }
    }

    /// Reads both files, which may block.
    /// - Throws: `invalid_config` that names the variable.
    func read() throws(InvokError) -> TLSIdentity {
        let certificates = try contents(of: certificate, Self.certificateVariable)
        let keys = try contents(of: key, Self.keyVariable)
        do throws(TLSIdentity.Fault) {
            return try TLSIdentity(certificates: certificates, key: keys)
        } catch {
            let (message, nextStep) = sentences(error)
            throw InvokError(.invalidConfig, message, nextStep: nextStep)
        }
    }

    /// What clients will not like about it, in a sentence for the operator.
    func limitation(of identity: TLSIdentity, now: Timestamp) -> String? {
        if identity.validUntil < now {
            return
                "the certificate \(certificate) of \(Self.certificateVariable) expired at \(identity.validUntil), so clients "
                + "refuse it: renew it, and send this process SIGHUP"
        }
        if now < identity.validFrom {
            return
                "the certificate \(certificate) of \(Self.certificateVariable) is not good before \(identity.validFrom), so "
                + "clients refuse it until then: is this machine's clock right?"
        }
        return nil
    }

    private func contents(of path: String, _ variable: String) throws(InvokError) -> [UInt8] {
        do throws(SystemError) {
            return try Files.contents(of: path, limit: Self.limit)
        } catch {
            throw InvokError(
                .invalidConfig, "\(variable): \(error.message)",
                nextStep: "set it to the path of a PEM file that the server's user may read")
        }
    }

    private func sentences(_ fault: TLSIdentity.Fault) -> (message: String, nextStep: String) {
        let (ofCertificate, ofKey) = ("\(Self.certificateVariable): \(certificate)", "\(Self.keyVariable): \(key)")
        return switch fault {
        case .noCertificate:
            ("\(ofCertificate) has no certificate in PEM", "write it as -----BEGIN CERTIFICATE----- and what follows")
        case .certificate:
            ("\(ofCertificate) has a certificate that cannot be read", "look at it by 'openssl x509 -text -in FILE'")
        case .noKey:
            ("\(ofKey) has no private key in PEM", "write it as -----BEGIN PRIVATE KEY----- and what follows")
        case .encryptedKey:
            (
                "\(ofKey) is encrypted, and nobody is there to type its passphrase",
                "decrypt it by 'openssl pkey -in FILE -out NEW', for the server's user alone"
            )
        case .key: ("\(ofKey) has a private key that cannot be read", "look at it by 'openssl pkey -in FILE -noout'")
        case .otherKey:
            (
                "\(ofKey) is not the key of the certificate in \(Self.certificateVariable), \(certificate)",
                "name the two that were made together"
            )
        case .order:
            (
                "\(ofCertificate) does not begin with the server's own certificate, to which the key belongs",
                "put that first, and those that signed it behind"
            )
        }
    }
}
