import Testing

@testable import InvokRegistry

@Suite struct RegistryURLTests {
    @Test(arguments: [
        ("https://PyPI.org/simple", "https://pypi.org/simple"),
        ("https://pypi.org", "https://pypi.org/"),
        ("https://a.example:443/x?y=1#z", "https://a.example/x?y=1"),
        ("http://a.example:8080/x", "http://a.example:8080/x"),
        ("https://user:p%40ss@a.example/x", "https://a.example/x"),
        ("http://[::1]:81/", "http://[::1]:81/"),
        ("file:///srv/go", "file:///srv/go"),
    ])
    func isRead(_ text: String, _ meaning: String) throws {
        #expect(try #require(RegistryURL(text)).description == meaning)
    }

    @Test(arguments: [
        "pypi.org/simple", "ftp://a.example/", "https://", "https:///x", "https://a b/", "https://a.example/\r\nX: y",
        "https://a.example:99999/", "https://a.example:x/", "file://host/x", "https://a.exämple/", "https://a\\b/",
    ])
    func isNone(_ text: String) { #expect(RegistryURL(text) == nil) }

    @Test func userInfoIsDecoded() {
        #expect(
            RegistryURL.userInfo(of: "https://me%40x:p%3Aw:d@a.example/@y") == .init(user: "me@x", password: "p:w:d"))
        #expect(RegistryURL.userInfo(of: "https://token@a.example/") == .init(user: "token", password: ""))
        #expect(RegistryURL.userInfo(of: "https://a.example/x@y") == nil)
    }

    @Test(arguments: [
        ("six-1.0.tar.gz#sha256=00", "https://a.example/simple/six/six-1.0.tar.gz"),
        ("../../files/a%20b.whl", "https://a.example/files/a%20b.whl"),
        ("../../../../x", "https://a.example/x"), ("/x/./y/", "https://a.example/x/y/"),
        ("//b.example/x", "https://b.example/x"), ("http://c.example/x?q", "http://c.example/x?q"),
        ("?page=2", "https://a.example/simple/six/?page=2"), ("..", "https://a.example/simple/"),
    ])
    func referencesAreResolved(_ reference: String, _ meaning: String) throws {
        let page = try #require(RegistryURL("https://a.example/simple/six/"))
        #expect(page.resolving(reference)?.description == meaning)
    }

    @Test(arguments: ["javascript:alert(1)", "mailto:x", "ftp://x/y", "a b", "x\ny"])
    func referencesElsewhereAreNone(_ reference: String) throws {
        #expect(try #require(RegistryURL("https://a.example/simple/")).resolving(reference) == nil)
    }

    @Test func percentEncodingIsTakenOff() {
        #expect(RegistryURL.decoded("a%2Fb%c3%a4+") == "a/bä+")
        for text in ["%", "%2", "%zz", "%+1", "%ff"] { #expect(RegistryURL.decoded(text) == nil) }
    }
}
