import Invok
import Testing

@testable import InvokRegistry

@Suite struct GoSettingsTests {
    private func proxies(_ settings: RegistrySettings) -> [String] {
        settings.go.proxies.map { $0.url.description + ($0.yieldsAlways ? "|" : ",") }
    }

    @Test func withoutSettingsItIsGos() {
        let settings = RegistrySettings()
        #expect(proxies(settings) == ["https://proxy.golang.org/,"])
        #expect(settings.go.checksums?.name == "sum.golang.org")
        #expect(settings.go.checksums?.url.description == "https://sum.golang.org/")
    }

    @Test(arguments: [
        ("https://a.example|https://b.example/x,direct", ["https://a.example/|", "https://b.example/x/,"]),
        ("https://a.example,direct,https://b.example", ["https://a.example/,"]),
        ("off", []), ("direct", []), ("file:///srv/go", ["file:///srv/go/,"]),
        (" https://a.example , off", ["https://a.example/,"]),
    ])
    func theListEndsWhereABuildReachesNothing(_ setting: String, _ meaning: [String]) {
        #expect(proxies(RegistrySettings(["GOPROXY": setting])) == meaning)
    }

    @Test func goEnvIsRead() {
        let files = ["/home/op/.config/go/env": "GOPROXY=https://a.example\nGOPRIVATE=*.corp.example\n"]
        let settings = RegistrySettings(files: files)
        #expect(proxies(settings) == ["https://a.example/,"] && settings.go.unchecked == "*.corp.example")
        #expect(proxies(RegistrySettings(["GOENV": "off"], files: files)) == ["https://proxy.golang.org/,"])
        let nearer = RegistrySettings(["GOPROXY": "https://b.example", "GONOSUMDB": "x"], files: files)
        #expect(proxies(nearer) == ["https://b.example/,"] && nearer.go.unchecked == "x")
    }

    @Test func theChecksumDatabaseMayHaveAKeyAndAPlace() {
        let own = RegistrySettings(["GOSUMDB": "sum.example+0000+key https://mirror.example/sum"]).go.checksums
        #expect(own?.name == "sum.example" && own?.setting == "sum.example+0000+key")
        #expect(own?.url.description == "https://mirror.example/sum/")
        let other = RegistrySettings(["GOSUMDB": "sum.golang.google.cn"]).go.checksums
        #expect(other?.name == "sum.golang.org" && other?.url.description == "https://sum.golang.google.cn/")
        #expect(RegistrySettings(["GOSUMDB": "off"]).go.checksums == nil)
    }

    @Test func credentialsAreFromTheAddressOrNetrc() {
        let settings = RegistrySettings(
            ["GOPROXY": "https://me:word@a.example/go,https://b.example"],
            files: ["/home/op/.netrc": "machine b.example login you password y"])
        #expect(settings.shown("https://a.example/go/x", .go) == Credentials.basic("me", "word"))
        #expect(settings.shown("https://b.example/x", .go) == Credentials.basic("you", "y"))
    }
}
