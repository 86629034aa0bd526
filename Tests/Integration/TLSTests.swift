import AsyncHTTPClient
import Foundation
import NIOSSL
import TestSupport
import Testing

#if os(Linux)
    import Glibc

    /// The server with a certificate, as an operator, a person at a terminal and other machines meet it.
    @Suite(.timeLimit(.minutes(5)))
    struct TLSTests {
        /// Runs a server with a certificate of its own.
        private func withCore(
            days: ClosedRange<Int> = -1...1, _ environment: [String: String] = [:],
            body: (CoreProcess, TestCertificate, URL) async throws -> Void
        ) async throws {
            try await withFolder { folder in
                let certificate = try await TestCertificate.make(in: folder, days: days)
                let core = try await CoreProcess.start(
                    dataDirectory: folder.path + "/data", port: 0,
                    environment: environment.merging(certificate.environment) { $1 })
                #expect(core.url.hasPrefix("https://"))
                do {
                    try await body(core, certificate, folder)
                } catch {
                    await core.end(with: SIGTERM)
                    throw error
                }
                #expect(await core.end(with: SIGTERM) == 0)
            }
        }

        /// The status of a request that is made with this certificate alone.
        private func status(_ core: CoreProcess, _ client: TLSClient, path: String = "/healthz") async throws -> String
        {
            let connection = try await ByteConnection.connect(port: core.port, tls: client)
            try await connection.write("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return try await connection.text(through: "\r\n") ?? ""
        }

        private func isTrusted(_ certificate: TestCertificate, by core: CoreProcess) async throws -> Bool {
            do {
                return try await status(core, TLSClient(trusting: certificate.certificate)).contains("200")
            } catch {
                return false
            }
        }

        // MARK: Other machines

        @Test func otherProgramsAgreeOnVersionsAndProtocols() async throws {
            try await withCore { core, certificate, _ in
                let connect = ["s_client", "-connect", "127.0.0.1:\(core.port)", "-CAfile", certificate.certificate]
                let strict = connect + ["-verify_return_error", "-verify_ip", "127.0.0.1"]
                let best = try await OpenSSL.run(strict + ["-alpn", "h2,http/1.1"])
                #expect(best.status == 0, "\(best.text)")
                #expect(best.text.contains("TLSv1.3") && best.text.contains("ALPN protocol: http/1.1"))
                let older = try await OpenSSL.run(strict + ["-tls1_2", "-alpn", "http/1.1"])
                #expect(older.status == 0 && older.text.contains("TLSv1.2"), "\(older.text)")
                #expect(older.text.contains("ALPN protocol: http/1.1"))
                #expect(try await OpenSSL.run(strict).text.contains("No ALPN negotiated"))
                let oldest = try await OpenSSL.run(connect + ["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"])
                #expect(oldest.status != 0 && oldest.text.contains("alert protocol version"), "\(oldest.text)")
                let newer = try await OpenSSL.run(connect + ["-alpn", "h2"])
                #expect(newer.status != 0 && newer.text.contains("alert no application protocol"), "\(newer.text)")
            }
        }

        // MARK: A new certificate

        private static let gate = """
            import threading
            gate = threading.Event()
            def handler(request):
                if request.path.endswith("/open"):
                    gate.set()
                    return "opened"
                def parts():
                    yield b"first\\n"
                    gate.wait()
                    yield b"last\\n"
                return parts()
            """

        @Test func aNewCertificateCutsOffNobody() async throws {
            try await withCore { core, certificate, folder in
                var configuration = HTTPClient.Configuration()
                configuration.tlsConfiguration = .makeClientConfiguration()
                configuration.tlsConfiguration?.certificateVerification = .none
                let http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
                let user = try await ServerClient.register(at: core.url, by: http)
                #expect(try await user.deploy("gate", source: Self.gate).status == 200)
                let answer = try await user.with(token: nil).call("GET", user.path("gate"))
                #expect(answer.status == 401)

                let token = try #require(user.token)
                let head = "HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n\r\n"
                let old = try TestCertificate.copy(of: certificate, in: folder)
                let stream = try await ByteConnection.connect(
                    port: core.port, tls: TLSClient(trusting: old.certificate))
                try await stream.write("GET \(user.path("gate")) \(head)")
                _ = try await stream.text(through: "first\n")

                let new = try await TestCertificate.make(in: folder, named: "new")
                try certificate.replace(with: new)
                kill(core.processIdentifier, SIGHUP)
                try await eventually("the new certificate is shown") { try await isTrusted(new, by: core) }
                let isOldShown = try await isTrusted(old, by: core)
                #expect(!isOldShown)

                #expect(try await user.call("GET", user.path("gate") + "/open").text == "opened")
                #expect(try await stream.text(through: "last\n") != nil)
                // The connection goes on behind its answer, too.
                _ = try await stream.text(through: "0\r\n\r\n")
                try await stream.write("GET /healthz \(head)")
                #expect(try await stream.text(through: "\r\n")?.contains("200") == true)
                try await http.shutdown()
            }
        }

        @Test func aCertificateThatCannotBeReadLeavesTheOldOne() async throws {
            try await withCore(["LOG_LEVEL": "notice"]) { core, certificate, folder in
                let old = try TestCertificate.copy(of: certificate, in: folder)
                let faults: [() throws -> Void] = [
                    { try Data("nonsense".utf8).write(to: URL(filePath: certificate.certificate)) },
                    { try FileManager.default.removeItem(atPath: certificate.key) },
                ]
                for (count, fault) in zip(1..., faults) {
                    try fault()
                    kill(core.processIdentifier, SIGHUP)
                    try await eventually("it is said") {
                        core.errors.ranges(of: "the old one serves on: INVOK_TLS_").count == count
                    }
                    let isOldShown = try await isTrusted(old, by: core)
                    #expect(isOldShown)
                }
                #expect(core.errors.contains("then send SIGHUP again"))
                let new = try await TestCertificate.make(in: folder, named: "new")
                try certificate.replace(with: new)
                kill(core.processIdentifier, SIGHUP)
                try await eventually("the new certificate is shown") { try await isTrusted(new, by: core) }
                #expect(core.errors.contains("the certificate was read anew"))
            }
        }

        @Test func withoutTLSAClosedTerminalEndsTheServer() async throws {
            try await withFolder { folder in
                let core = try await CoreProcess.start(dataDirectory: folder.path + "/data", port: 0)
                #expect(await core.end(with: SIGHUP) == SIGHUP)
            }
        }

        // MARK: Settings

        private func refused(_ environment: [String: String], in folder: URL) async throws -> CoreRun {
            let defaults = ["HOME": folder.path, "PATH": "/usr/bin:/bin", "SERVER_PORT": "0"]
            return try await CoreRun.run([], environment: defaults.merging(environment) { $1 }, in: folder)
        }

        @Test func whatIsWrongWithTheFilesIsSaidAtTheStart() async throws {
            try await withFolder { folder in
                let made = try await TestCertificate.make(in: folder)
                let other = try await TestCertificate.make(in: folder, named: "other")
                let (good, key) = (made.certificate, made.key)
                func file(_ name: String, _ text: String) throws -> String {
                    let path = folder.appending(path: name).path
                    try Data(text.utf8).write(to: URL(filePath: path))
                    return path
                }
                func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }
                let sealed = folder.path + "/sealed.key"
                try await TestCertificate.openssl("pkey", "-in", key, "-aes256", "-passout", "pass:x", "-out", sealed)
                let wrong: [([String: String], [String])] = [
                    (["INVOK_TLS_CERT": good], ["INVOK_TLS_CERT is set, but INVOK_TLS_KEY is not", "set both"]),
                    (["INVOK_TLS_KEY": key], ["INVOK_TLS_KEY is set, but INVOK_TLS_CERT is not", "set both"]),
                    (["INVOK_TLS_CERT": try text(good), "INVOK_TLS_KEY": key], ["INVOK_TLS_CERT has what", "path"]),
                    (
                        ["INVOK_TLS_CERT": "/nowhere", "INVOK_TLS_KEY": key],
                        ["INVOK_TLS_CERT:", "/nowhere", "PEM file"]
                    ),
                    (["INVOK_TLS_CERT": good, "INVOK_TLS_KEY": folder.path], ["INVOK_TLS_KEY:", folder.path]),
                    (["INVOK_TLS_CERT": key, "INVOK_TLS_KEY": key], ["INVOK_TLS_CERT:", "no certificate"]),
                    (["INVOK_TLS_CERT": good, "INVOK_TLS_KEY": good], ["INVOK_TLS_KEY:", "no private key"]),
                    (
                        [
                            "INVOK_TLS_CERT": try file("bad.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"),
                            "INVOK_TLS_KEY": key,
                        ], ["INVOK_TLS_CERT:", "openssl x509"]
                    ),
                    (
                        [
                            "INVOK_TLS_CERT": good,
                            "INVOK_TLS_KEY": try file("bad.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n"),
                        ], ["INVOK_TLS_KEY:", "openssl pkey"]
                    ),
                    (
                        ["INVOK_TLS_CERT": good, "INVOK_TLS_KEY": sealed],
                        ["INVOK_TLS_KEY:", "encrypted", "openssl pkey"]
                    ),
                    (
                        ["INVOK_TLS_CERT": good, "INVOK_TLS_KEY": other.key],
                        ["INVOK_TLS_KEY:", "not the key of", "INVOK_TLS_CERT"]
                    ),
                    (
                        [
                            "INVOK_TLS_CERT": try file("chain.pem", text(other.certificate) + text(good)),
                            "INVOK_TLS_KEY": key,
                        ], ["INVOK_TLS_CERT:", "put that first"]
                    ),
                ]
                for (environment, parts) in wrong {
                    let run = try await refused(environment, in: folder)
                    #expect(run.status == 78, "\(run.errors)")
                    for part in parts { #expect(run.errors.contains(part), "\(part): \(run.errors)") }
                    #expect(!run.errors.contains("-----END") && !run.output.contains("listens"))
                }
            }
        }

        @Test(arguments: [-3 ... -1, 1...3]) func whatClientsWillRefuseIsSaid(days: ClosedRange<Int>) async throws {
            try await withCore(days: days) { core, certificate, _ in
                let words = days.upperBound < 0 ? "expired at" : "is not good before"
                #expect(core.errors.contains(words) && core.errors.contains("INVOK_TLS_CERT"), "\(core.errors)")
                let isTaken = try await isTrusted(certificate, by: core)
                #expect(!isTaken)
            }
        }

        // MARK: The tool

        @Test func thePersonAtATerminalIsToldWhatToDo() async throws {
            try await withCore { core, certificate, folder in
                try await ServerTrait.$current.withValue(core) {
                    let stranger = try Person()
                    let register = ["register", "-e", stranger.email, "-p", stranger.password]
                    let untrusted = try await stranger.invok(register)
                    #expect(untrusted.status == 1, "\(untrusted.errors)")
                    #expect(untrusted.errors.contains("not trusted") && untrusted.errors.contains("SSL_CERT_FILE"))
                    let plain = try await stranger.invok(register + ["--host", "http://127.0.0.1:\(core.port)"])
                    #expect(plain.status == 1 && plain.errors.contains("https://"), "\(plain.errors)")

                    let nothing = try Person(environment: ["SSL_CERT_FILE": "/nowhere"])
                    let missing = try await nothing.invok(register)
                    #expect(missing.status == 1 && missing.errors.contains("/nowhere"), "\(missing.errors)")

                    let other = try await TestCertificate.make(in: folder, named: "other")
                    let misled = try Person(environment: ["SSL_CERT_FILE": other.certificate])
                    #expect(try await misled.invok(register).errors.contains("not trusted"))

                    let person = try Person(environment: ["SSL_CERT_FILE": certificate.certificate])
                    try await person.succeeds("register", "-e", person.email, "-p", person.password)
                    try await person.succeeds("create", "-n", "hello", "-r", "python")
                    #expect(
                        try await person.succeeds("deploy", "-n", "hello", "--public").contains("\(core.url)/invok/"))
                    #expect(try await person.succeeds("invoke", "-n", "hello").contains("Hello"))

                    let elsewhere = try await TestCertificate.make(
                        in: folder, named: "elsewhere", for: "DNS:invok.example")
                    try certificate.replace(with: elsewhere)
                    kill(core.processIdentifier, SIGHUP)
                    try await eventually("the person is told that the certificate is another's") {
                        let login = try await person.invok(["login", "-e", person.email, "-p", person.password])
                        return login.status == 1 && login.errors.contains("for other names than '127.0.0.1'")
                    }
                }
            }
        }

        @Test func theDoctorFindsNothing() async throws {
            try await withCore { core, certificate, folder in
                let environment = ["HOME": folder.path, "PATH": "/usr/bin:/bin"]
                let arguments = ["doctor", "--security", "--server", core.url, "--data-dir", folder.path + "/data"]
                let run = try await CoreRun.run(
                    arguments, environment: environment.merging(certificate.environment) { $1 }, in: folder)
                #expect(run.status == 0, "\(run.output)\(run.errors)")
                #expect(run.output.contains(" 0 broken, 1 skipped"), "\(run.output)")
                let other = try await TestCertificate.make(in: folder, named: "other")
                let wrong = try await CoreRun.run(
                    arguments, environment: environment.merging(other.environment) { $1 }, in: folder)
                #expect(wrong.status == 1, "\(wrong.output)\(wrong.errors)")
            }
        }
    }
#endif
