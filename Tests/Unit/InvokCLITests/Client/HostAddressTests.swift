import Testing

@testable import InvokCLI

@Suite struct HostAddressTests {
    @Test(arguments: [
        ("localhost:3000", "http://localhost:3000"), ("http://LOCALHOST/", "http://localhost"),
        ("invok.example.com", "https://invok.example.com"), ("HTTPS://a.b:8443//", "https://a.b:8443"),
        ("127.0.0.1:1", "http://127.0.0.1:1"), ("[::1]:3000", "http://[::1]:3000"),
        ("http://10.0.0.7", "http://10.0.0.7"), ("127.evil.example", "https://127.evil.example"),
    ])
    func reads(_ text: String, _ expected: String) throws {
        #expect(try HostAddress(text).description == expected)
    }

    @Test(arguments: [
        "", "http://", "ftp://a", "a:b", "a:0", "a:70000", "a b", "http://a/path", "user@host", "[::1", "a\u{1B}",
    ])
    func refuses(_ text: String) {
        let failure = #expect(throws: Failure.self) { try HostAddress(text) }
        #expect(failure?.status == .usage)
    }

    @Test func theNearestSettingDecides() throws {
        let environment = ["INVOK_HOST": "http://b"]
        #expect(
            try HostAddress.choose(option: "http://a", environment: environment, remembered: "http://c").name == "a")
        #expect(try HostAddress.choose(option: nil, environment: environment, remembered: "http://c").name == "b")
        #expect(
            try HostAddress.choose(option: nil, environment: ["INVOK_HOST": ""], remembered: "http://c").name == "c")
        #expect(try HostAddress.choose(option: nil, environment: [:], remembered: nil) == .standard)
    }

    @Test(arguments: [
        ("http://localhost:1", false), ("http://app.localhost", false), ("http://127.9.9.9", false),
        ("http://10.0.0.7", true), ("http://localhost.evil.com", true),
        ("http://127.evil.example", true), ("http://127.0.0.1.evil.example", true), ("http://[::1]", false),
        ("https://a.b", false),
    ])
    func knowsWhatCanBeReadOnTheWay(_ text: String, _ expected: Bool) throws {
        #expect(try HostAddress(text).isReadableOnTheWay == expected)
    }
}
