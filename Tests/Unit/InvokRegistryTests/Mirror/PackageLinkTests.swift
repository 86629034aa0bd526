import Invok
import Testing

@testable import InvokRegistry

@Suite struct PackageLinkTests {
    private let signer = LinkSigner(secret: [1, 2, 3])

    @Test func aSignedLinkComesBack() throws {
        let page = try #require(RegistryURL("https://pypi.org/simple/six/"))
        var link = try #require(
            PackageLink(
                "https://files.pythonhosted.org/a/six+1.whl", on: page, hash: PackageHash(fragment: "sha256=00ff")))
        link.metadataHash = PackageHash(fragment: "sha256=01")
        let parts = try #require(signer.path(of: link, .python)).split(separator: "/")
        #expect(parts.count == 3 && parts[2] == "six+1.whl")
        #expect(signer.link(mac: parts[0], payload: parts[1], .python) == link)
        // For another ecosystem, by another key, and changed by a bit it is none.
        #expect(signer.link(mac: parts[0], payload: parts[1], .node) == nil)
        #expect(LinkSigner(secret: [9]).link(mac: parts[0], payload: parts[1], .python) == nil)
        let changed = (parts[1].first == "A" ? "B" : "A") + parts[1].dropFirst()
        #expect(signer.link(mac: parts[0], payload: changed, .python) == nil)
        for mac in ["", "x", String(parts[0].dropLast())] {
            #expect(signer.link(mac: mac, payload: parts[1], .python) == nil)
        }
        #expect(LinkSigner(secret: [9]).name != signer.name)
    }

    @Test(arguments: [
        "https://files.example.com/x.whl", "x.whl", "https://registry.example:8443/x.whl", "/deep/x.whl",
    ])
    func registriesAndPublicNamesMayBeNamed(_ reference: String) throws {
        let page = try #require(RegistryURL("https://registry.example:8443/simple/x/"))
        #expect(PackageLink(reference, on: page) != nil)
    }

    @Test(arguments: [
        "http://files.example.com/x.whl", "https://169.254.169.254/x.whl", "https://10.0.0.1/x", "https://localhost/x",
        "https://registry/x", "https://x.localhost/x", "https://metadata.google.internal/x", "https://0x7f.1/x",
        "https://[::1]/x", "http://registry.example/x", "https://files.example.com:8443/x", "file:///etc/passwd",
        "https://printer.local/x", "ftp://files.example.com/x", "https://files.example.com/", "javascript:x",
    ])
    func nothingElseMay(_ reference: String) throws {
        let page = try #require(RegistryURL("https://registry.example:8443/simple/x/"))
        #expect(PackageLink(reference, on: page) == nil)
    }
}
