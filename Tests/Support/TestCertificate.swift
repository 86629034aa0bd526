import Foundation

/// A certificate for 127.0.0.1 that signs itself, with its key, made by `openssl` in a folder of the test.
public struct TestCertificate: Sendable {
    struct NotMade: Error, CustomStringConvertible {
        let description: String
    }

    /// PEM files.
    public let certificate: String
    public let key: String

    /// The settings by which a server has it.
    public var environment: [String: String] { ["INVOK_TLS_CERT": certificate, "INVOK_TLS_KEY": key] }

    /// Makes one.
    /// - Parameters:
    ///   - name: of the files, and of the subject.
    ///   - names: that it is for (RFC 5280 §4.2.1.6).
    ///   - days: from when until when it is good, by days from now.
    public static func make(
        in folder: URL, named name: String = "server", for names: String = "IP:127.0.0.1",
        days: ClosedRange<Int> = -1...1
    ) async throws -> TestCertificate {
        let path = folder.appending(path: name).path
        let settings = """
            [ca]
            default_ca = own
            [own]
            database = \(path).index
            new_certs_dir = \(folder.path)
            rand_serial = yes
            default_md = sha256
            policy = any
            x509_extensions = extensions
            [any]
            commonName = supplied
            [req]
            distinguished_name = empty
            [empty]
            [extensions]
            subjectAltName = \(names)
            basicConstraints = CA:true
            """
        try Data(settings.utf8).write(to: URL(filePath: "\(path).cnf"))
        try Data().write(to: URL(filePath: "\(path).index"))
        try await openssl(
            "req", "-config", "\(path).cnf", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
            "-nodes", "-keyout", "\(path).key", "-out", "\(path).csr", "-subj", "/CN=\(name)")
        try await openssl(
            "ca", "-config", "\(path).cnf", "-batch", "-notext", "-selfsign", "-keyfile", "\(path).key", "-in",
            "\(path).csr", "-out", "\(path).pem", "-startdate", time(days.lowerBound), "-enddate",
            time(days.upperBound))
        return TestCertificate(certificate: "\(path).pem", key: "\(path).key")
    }

    /// Puts another one in the place of this one's files, as whoever renews it does.
    public func replace(with other: TestCertificate) throws {
        for (from, to) in [(other.certificate, certificate), (other.key, key)] {
            try Data(contentsOf: URL(filePath: from)).write(to: URL(filePath: to))
        }
    }

    private static func time(_ days: Int) -> String {
        let format = DateFormatter()
        (format.locale, format.timeZone) = (Locale(identifier: "en_US_POSIX"), TimeZone(identifier: "UTC"))
        format.dateFormat = "yyyyMMddHHmmss'Z'"
        return format.string(from: Date(timeIntervalSinceNow: Double(days) * 86_400))
    }

    /// The same under other names.
    public static func copy(of other: TestCertificate, in folder: URL) throws -> TestCertificate {
        let path = folder.appending(path: "copy-\(UUID())").path
        let copy = TestCertificate(certificate: "\(path).pem", key: "\(path).key")
        try copy.replace(with: other)
        return copy
    }

    /// Runs `openssl`, which has to succeed.
    public static func openssl(_ arguments: String...) async throws {
        let run = try await OpenSSL.run(arguments)
        guard run.status == 0 else { throw NotMade(description: "openssl \(arguments): \(run.text)") }
    }
}

/// One run of `openssl`.
public struct OpenSSL: Sendable {
    public let status: Int32
    /// What it said on both its outputs.
    public let text: String

    /// Runs it to its end, with nothing to read.
    public static func run(_ arguments: [String]) async throws -> OpenSSL {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/openssl")
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        let ended = ProcessEnd(of: process)
        try process.run()
        let said = await withCheckedContinuation { done in
            Thread.detachNewThread { done.resume(returning: output.fileHandleForReading.readDataToEndOfFile()) }
        }
        await ended.wait()
        return OpenSSL(status: process.terminationStatus, text: String(decoding: said, as: UTF8.self))
    }
}
