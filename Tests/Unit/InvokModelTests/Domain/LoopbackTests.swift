import InvokModel
import Testing

struct LoopbackTests {
    @Test(arguments: [
        "localhost", "LOCALHOST", "app.localhost", "127.0.0.1", "127.255.255.255", "::1", "[::1]",
    ])
    func meansThisMachine(host: String) { #expect(Loopback.contains(host)) }

    @Test(arguments: [
        "", "127.evil.example", "127.0.0.1.evil.example", "127.0.0", "127.0.0.256", "127.0.0.01", "127.0.0.+1",
        "127.1", "128.0.0.1", "0127.0.0.1", "localhost.evil.example", "notlocalhost", "::2", "[::1]x", "0.0.0.0",
    ])
    func meansAnother(host: String) { #expect(!Loopback.contains(host)) }
}
