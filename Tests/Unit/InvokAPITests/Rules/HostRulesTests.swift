import Invok
import Testing

@testable import InvokAPI

struct HostRulesTests {
    private func accepts(_ rules: HostRules, _ host: String?) -> Bool { rules.fault(host: host) == nil }

    static let loopbackNames = [
        "localhost", "LOCALHOST:3000", "127.0.0.1", "127.0.0.1:80", "[::1]:3000", "localhost.", "a.localhost:1",
        "127.1.2.3",
    ]
    static let others = [
        "evil.example", "evil.example:3000", "127.evil.example", "localhost.evil.example", "127.0.0.1.nip.io", "",
        "10.0.0.1", "[::2]", "[::1", "xlocalhost", "0.0.0.0", "localhost:x", "localhost:99999",
    ]

    @Test(arguments: ["127.0.0.1", "localhost", "::1", "127.0.0.2"])
    func onLoopbackALoopbackNameOrASetOneIsMeant(listener: String) throws {
        let bare = try HostRules(listener: listener)
        let named = try HostRules(
            listener: listener, publicURL: "https://invok.example", hosts: ["other.example:8443"])
        for host in Self.loopbackNames { #expect(accepts(bare, host) && accepts(named, host), "\(host)") }
        for host in Self.others { #expect(!accepts(bare, host) && !accepts(named, host), "\(host)") }
        for host in ["invok.example", "INVOK.example:443", "other.example", "other.example:8443"] {
            #expect(!accepts(bare, host) && accepts(named, host), "\(host)")
        }
        #expect(accepts(bare, nil), "HTTP/1.0 has no host")
    }

    @Test func elsewhereAnyHostIsMeantUntilOneIsSet() throws {
        let bare = try HostRules(listener: "0.0.0.0")
        let named = try HostRules(listener: "0.0.0.0", hosts: ["invok.example"])
        for host in Self.loopbackNames + Self.others {
            #expect(accepts(bare, host) && !accepts(named, host), "\(host)")
        }
        #expect(accepts(named, "invok.example:3000"))
        #expect(named.fault(host: "a")?.code == .misdirected)
        #expect(named.fault(host: "a")?.nextStep?.contains("INVOK_HOSTS") == true)
    }

    @Test(arguments: ["invok.example", "ftp://invok.example", "https://", "https://a/b", ""])
    func aPublicURLThatIsNone(url: String) {
        #expect(throws: InvokError.self) { try HostRules(listener: "127.0.0.1", publicURL: url) }
    }

    @Test(arguments: ["", "a/b", "a:b", "https://a"])
    func hostsThatAreNone(host: String) {
        #expect(throws: InvokError.self) { try HostRules(listener: "127.0.0.1", hosts: [host]) }
    }

    // MARK: Functions' hosts

    @Test func functionsHaveHostsOfTheirOwn() throws {
        let rules = try HostRules(listener: "127.0.0.1", functionsHost: "functions.Example")
        let own = "my-hello--0192d5a0-0000-7000-8000-000000000001.functions.example"
        for host in [own, own.uppercased(), own + ":3000"] {
            let function = try #require(rules.function(at: host))
            #expect(function.name == "my-hello" && function.namespace == "0192d5a0-0000-7000-8000-000000000001")
            #expect(accepts(rules, host))
        }
        for host in [
            "functions.example", "hello.functions.example", "a.b--c.functions.example", "--c.functions.example",
            "a--.functions.example", "a--c.functions.example.evil", "a--c.xfunctions.example",
        ] {
            #expect(rules.function(at: host) == nil && !accepts(rules, host), "\(host)")
        }
        #expect(try HostRules(listener: "127.0.0.1").function(at: own) == nil)
    }

    // MARK: Origins

    @Test(arguments: [
        ("http://localhost:3000", "localhost:3000", true), ("http://localhost:3001", "localhost:3000", false),
        ("https://invok.example", "localhost:3000", true), ("http://invok.example", "localhost:3000", false),
        ("https://invok.example:444", "localhost:3000", false), ("https://more.example:8443", "x", true),
        ("https://more.example", "x", false), ("https://x", "x", true), ("http://x:80", "x", true),
        ("http://x:81", "x", false), ("null", "x", false), ("", "x", false), ("https://evil.example", "x", false),
        ("http://localhost", "localhost:3000", false), ("http://[::1]:3000", "[::1]:3000", true),
    ])
    func originsAreJudgedByHostAndPort(origin: String, host: String, isOwn: Bool) throws {
        let rules = try HostRules(
            listener: "127.0.0.1", publicURL: "https://invok.example:443/", hosts: ["more.example:8443"])
        #expect(rules.isOwn(origin: origin, host: host) == isOwn)
        // Where TLS is spoken, a page that came in plain text may be anybody's.
        #expect(rules.isOwn(origin: origin, host: host, isSecure: true) == (isOwn && origin.hasPrefix("https:")))
    }
}
