import Invok
import Testing

@testable import InvokRegistry

@Suite struct RegistryRoutesTests {
    private let routes = RegistryRoutes(
        settings: RegistrySettings(
            [
                "PIP_INDEX_URL": "https://py.example/simple", "PIP_EXTRA_INDEX_URL": "https://py2.example/x/",
                "npm_config_registry": "https://npm.example/repo/", "GOPROXY": "https://go.example|https://go2.example",
            ], files: ["/home/op/.npmrc": "@own:registry=https://own.example/"]),
        signer: LinkSigner(secret: [1]))

    /// The address that is asked first, and whether what is there never changes.
    private func meaning(_ target: String, accept: String = "*/*") throws -> String? {
        guard case .item(let item) = try routes.route(target, accept: accept) else { return nil }
        return item.places[0].url.description + (item.isFile ? " file" : "")
    }

    @Test(arguments: [
        ("/pypi/0/simple/Six/", "https://py.example/simple/Six/"),
        ("/pypi/1/simple/a.b-c_d", "https://py2.example/x/a.b-c_d/"),
        ("/npm/left-pad", "https://npm.example/repo/left-pad"),
        ("/npm/@scope%2fname", "https://npm.example/repo/@scope%2fname"),
        ("/npm/@scope%2Fname", "https://npm.example/repo/@scope%2fname"),
        ("/npm/@own/name", "https://own.example/@own%2fname"),
        ("/npm/left-pad/-/left-pad-1.0.0.tgz", "https://npm.example/repo/left-pad/-/left-pad-1.0.0.tgz file"),
        ("/npm/@own/name/-/name-1.0.0.tgz", "https://own.example/@own/name/-/name-1.0.0.tgz file"),
        // A lock file that was made with a registry below a path: that of this one, or of another.
        ("/npm/repo/left-pad/-/left-pad-1.0.0.tgz", "https://npm.example/repo/left-pad/-/left-pad-1.0.0.tgz file"),
        ("/npm/artifactory/api/npm/x/@s/y/-/y-1.tgz", "https://npm.example/repo/@s/y/-/y-1.tgz file"),
        ("/npm/download/@own/name/1.0.0/0aff", "https://own.example/download/@own/name/1.0.0/0aff file"),
        ("/npm/pypi/-/pypi-1.tgz", "https://npm.example/repo/pypi/-/pypi-1.tgz file"),
        ("/go/golang.org/x/text/@v/list", "https://go.example/golang.org/x/text/@v/list"),
        (
            "/go/github.com/!burnt!sushi/toml/@v/v1.0.0.zip",
            "https://go.example/github.com/!burnt!sushi/toml/@v/v1.0.0.zip file"
        ),
        (
            "/go/a.example/b/@v/v1.0.0+incompatible.info",
            "https://go.example/a.example/b/@v/v1.0.0+incompatible.info file"
        ),
        ("/go/a.example/b/@v/main.info", "https://go.example/a.example/b/@v/main.info"),
        ("/go/a.example/b/@latest", "https://go.example/a.example/b/@latest"),
        ("/go/sumdb/sum.golang.org/lookup/a.example/b@v1.0.0", "https://sum.golang.org/lookup/a.example/b@v1.0.0"),
        ("/go/sumdb/sum.golang.org/tile/8/0/x001/234", "https://sum.golang.org/tile/8/0/x001/234 file"),
    ])
    func isAskedFor(_ target: String, _ address: String) throws { #expect(try meaning(target) == address) }

    @Test func theProxiesOfGoAreAskedInTurn() throws {
        guard case .item(let item) = try routes.route("/go/a.example/@v/list", accept: "") else {
            throw RegistryFailure.noSuchPath
        }
        #expect(item.places.map(\.yieldsAlways) == [true, false])
        #expect(item.places[1].url.description == "https://go2.example/a.example/@v/list")
    }

    @Test func whatIsKnownIsNotAskedFor() throws {
        #expect(try meaning("/go/sumdb/sum.golang.org/supported") == nil)
    }

    @Test func anIndexIsAskedForAsTheClientReadsIt() throws {
        func accept(_ accept: String) throws -> String? {
            guard case .item(let item) = try routes.route("/pypi/0/simple/six/", accept: accept) else { return nil }
            return item.accept
        }
        #expect(
            try accept("application/vnd.pypi.simple.v1+json, text/html; q=0.1")?.hasPrefix("application/vnd") == true)
        #expect(try accept("text/html") == "text/html")
        #expect(try accept("") == "text/html")
    }

    @Test(arguments: [
        "/", "", "*", "http://evil.example/", "//evil.example/x", "/evil.example/x", "/pypi/0/simple/",
        "/pypi/0/simple/../x/",
        "/pypi/0/simple/%2e%2e/", "/pypi/0/simple/a%2f..%2fb/", "/pypi/0/simple/a%00/", "/pypi/0/simple/a?x=1",
        "/pypi/0/simple/a%3fx/",
        "/pypi/00/simple/six/", "/pypi/-1/simple/six/", "/pypi/0/simple/six/six-1.whl", "/pypi/0/simple/a%250/",
        "/pypi/0/simple/%zz/",
        "/pypi/0/simple/a\\b/", "/npm/", "/npm/-/v1/search", "/npm/-/npm/v1/security/audits", "/npm/..%2fx", "/npm/@x",
        "/npm/a/b",
        "/npm/@s/../x/-/x.tgz", "/npm/x/-/x%0d%0a.tgz", "/npm/x//-/x.tgz", "/go/", "/go/a.example",
        "/go/a.example/@v/x.exe",
        "/go/a.example/../@v/list", "/go/@v/list", "/go/a%20b/@v/list", "/go/sumdb/other.example/lookup/x@v1",
        "/go/sumdb/sum.golang.org/x",
        "/go/sumdb/sum.golang.org", "/npm/http://evil.example/-/x.tgz", "/go/https://evil.example/@v/list",
    ])
    func nothingElseIs(_ target: String) {
        #expect { try routes.route(target, accept: "*/*") } throws: { error in
            (error as? RegistryFailure)?.status == 403
        }
    }

    @Test func onlySignedFilesAreAskedFor() throws {
        let page = try #require(RegistryURL("https://py.example/simple/six/"))
        let link = try #require(PackageLink("https://files.example.com/six-1.whl", on: page))
        let path = try #require(routes.signer.path(of: link, .python))
        #expect(try meaning("/pypi/0/file/\(path)") == "https://files.example.com/six-1.whl file")
        #expect(try meaning("/pypi/0/file/\(path).metadata") == "https://files.example.com/six-1.whl.metadata file")
        let forged = LinkSigner(secret: [2]).path(of: link, .python) ?? ""
        for wrong in [forged, path + ".sig", String(path.dropFirst()), path + "/x"] {
            #expect(throws: RegistryFailure.self) { try routes.route("/pypi/0/file/\(wrong)", accept: "") }
        }
        #expect(throws: RegistryFailure.self) { try routes.route("/npm/-/file/\(path)", accept: "") }
    }

    @Test func whatIsSwitchedOffIsSaidToBe() {
        let off = RegistryRoutes(
            settings: RegistrySettings(["GOPROXY": "off", "GOSUMDB": "off", "PIP_NO_INDEX": "1"]),
            signer: LinkSigner(secret: []))
        for target in ["/go/a.example/@v/list", "/go/sumdb/sum.golang.org/supported", "/pypi/0/simple/six/"] {
            #expect { try off.route(target, accept: "") } throws: { ($0 as? RegistryFailure)?.status == 404 }
        }
    }
}
