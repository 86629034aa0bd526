import Foundation
import Invok
import InvokPOSIX
import TestSupport
import Testing

@testable import InvokRegistry

/// What the contract of all sources does not say: whom credentials go to, proxies, files.
@Suite(.timeLimit(.minutes(1)))
struct HTTPPackageSourceTests {
    @discardableResult
    private func withSource<Value>(
        _ environment: [String: String], files: [String: String] = [:],
        _ body: (HTTPPackageSource) async throws -> Value
    ) async throws -> Value {
        let source = HTTPPackageSource(RegistrySettings(environment, files: files), environment: environment)
        let result: Result<Value, any Error>
        do { result = .success(try await body(source)) } catch { result = .failure(error) }
        await source.close()
        return try result.get()
    }

    @Test func credentialsGoToTheirRegistryAndNowhereElse() async throws {
        try await TestRegistry.run { registry in
            try await TestRegistry.run { other in
                var page = TestRegistry.Page([])
                page.status = 302
                page.fields["Location"] = other.url + "/elsewhere"
                registry.put(page, at: "/simple/away/")
                page.fields["Location"] = "/simple/there/"
                registry.put(page, at: "/simple/near/")
                registry.put(.init([1]), at: "/simple/there/")
                other.put(.init([2]), at: "/elsewhere")
                // The other one has credentials of its own, which a redirect gets no more than the first one's.
                let environment = [
                    "PIP_INDEX_URL": registry.url.replacing("//", with: "//me:word@") + "/simple",
                    "PIP_EXTRA_INDEX_URL": other.url.replacing("//", with: "//you:word@") + "/simple",
                ]
                try await withSource(environment) { source in
                    let near = try await source.get(PackageRequest(.python, url: registry.url + "/simple/near/"))
                    #expect(near.status == 200 && near.url == registry.url + "/simple/there/")
                    let away = try await source.get(PackageRequest(.python, url: registry.url + "/simple/away/"))
                    #expect(away.status == 200 && away.url == other.url + "/elsewhere")
                    _ = try await source.get(PackageRequest(.node, url: registry.url + "/simple/there/"))
                    _ = try await source.get(
                        PackageRequest(.python, url: registry.url + "/simple/there/", isAnonymous: true))
                }
                let shown = registry.requests.map { $0.fields["authorization"] }
                let mine = Credentials.basic("me", "word")
                #expect(shown == [mine, mine, mine, nil, nil])
                #expect(other.requests.map { $0.fields["authorization"] } == [nil])
            }
        }
    }

    /// A registry with a certificate that only the operator's settings know.
    @Test(arguments: ["SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "npm_config_cafile"])
    func certificatesOfTheOperatorsAreTrusted(variable: String) async throws {
        let folder = try TemporaryFolder()
        let certificate = try await TestCertificate.make(in: URL(filePath: folder.path))
        let core = try await CoreProcess.start(
            dataDirectory: folder.path + "/data", port: 0, environment: certificate.environment)
        let request = PackageRequest(.python, url: core.url + "/healthz")
        let pem = try String(contentsOfFile: certificate.certificate, encoding: .utf8)
        let known = try await withSource([variable: "/own.pem"], files: ["/own.pem": pem]) { source in
            try await source.get(request).status
        }
        #expect(known == 200)
        try await withSource([:]) { source in
            await #expect(throws: PackageSourceError.self) { _ = try await source.get(request) }
        }
        await core.end(with: SIGTERM)
    }

    @Test func aRedirectToAFileIsNotFollowed() async throws {
        try await TestRegistry.run { registry in
            for location in ["file:///etc/passwd", "ftp://a.example/", "javascript:x"] {
                var page = TestRegistry.Page([])
                page.status = 302
                page.fields["Location"] = location
                registry.put(page, at: "/x")
                try await withSource([:]) { source in
                    await #expect(throws: PackageSourceError.self) {
                        try await source.get(PackageRequest(.python, url: registry.url + "/x"))
                    }
                }
            }
        }
    }

    @Test func filesAreRead() async throws {
        let folder = try TemporaryFolder()
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0) }
        try Files.write(bytes, to: folder.path + "/a b", mode: 0o600)
        try await withSource([:]) { source in
            let answer = try await source.get(PackageRequest(.go, url: "file://\(folder.path)/a%20b"))
            #expect(answer.status == 200 && answer.length == bytes.count)
            var read: [UInt8] = []
            while let piece = try await answer.body.next() { read += piece }
            #expect(read == bytes)
            for path in [folder.path, folder.path + "/none", "/dev/zero"] {
                #expect(try await source.get(PackageRequest(.go, url: "file://" + path)).status == 404)
            }
        }
    }

    /// It has the proxy make the way, shows the credentials to it alone, and asks the registry by that.
    @Test func theProxyIsAsked() async throws {
        try await ByteServer.run { connection in
            let tunnel = try await connection.text(through: "\r\n\r\n") ?? ""
            try await connection.write("HTTP/1.1 200 OK\r\n\r\n")
            let request = try await connection.text(through: "\r\n\r\n") ?? ""
            let seen = [tunnel, request].map { head in
                let isKnown = head.lowercased().contains("authorization: basic bwu6d29yza==")
                return (head.split(separator: "\r\n").first.map(String.init) ?? "") + (isKnown ? " me" : "")
            }
            let text = seen.joined(separator: ", ")
            try await connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
        } body: { port in
            try await withSource(["http_proxy": "http://me:word@127.0.0.1:\(port)"]) { source in
                let answer = try await source.get(PackageRequest(.python, url: "http://registry.test/simple/"))
                let piece = try await answer.body.next() ?? []
                #expect(
                    String(decoding: piece, as: UTF8.self)
                        == "CONNECT registry.test:80 HTTP/1.1 me, GET /simple/ HTTP/1.1")
            }
        }
    }
}
