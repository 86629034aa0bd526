import Invok
import Testing

@testable import InvokRedis

@Suite struct RedisTargetTests {
    @Test(
        arguments: [
            ("redis://h", "h:6379/0", nil, nil), ("redis://h:7/3", "h:7/3", nil, nil),
            ("redis://:p%40ss@h", "h:6379/0", nil, "p@ss"), ("redis://me:pw@h/", "h:6379/0", "me", "pw"),
            ("redis://[::1]:7", "[::1]:7/0", nil, nil), ("unix:///run/r%20s.sock", "/run/r s.sock/0", nil, nil),
            ("unix://:pw@/run/redis.sock?db=2", "/run/redis.sock/2", nil, "pw"),
            ("redis://:a@b@h", "h:6379/0", nil, "a@b"),
        ] as [(String, String, String?, String?)])
    func reads(_ url: String, _ description: String, _ user: String?, _ password: String?) throws {
        let target = try RedisTarget(url: url)
        #expect(target.description == description)
        #expect(target.user == user)
        #expect(target.password == password)
    }

    @Test(arguments: [
        "", "h", "redis://", "redis://h:0", "redis://h:x", "redis://h/x", "redis://h/-1", "redis://%zz", "http://h",
        "redis://[::1]x", "unix://relative", "redis://:%00@h", "unix:///s?x=1",
    ])
    func refusesWhatIsNoURLWithoutQuotingIt(_ url: String) {
        let error = #expect(throws: InvokError.self) { try RedisTarget(url: url) }
        #expect(error?.code == .invalidConfig)
        #expect(error?.message == "REDIS_URL is not the URL of a Redis server")
    }

    @Test func saysThatItSpeaksNoTLS() {
        let error = #expect(throws: InvokError.self) { try RedisTarget(url: "rediss://:secret@h") }
        #expect(error?.message.contains("TLS") == true)
        #expect(error?.nextStep?.contains("stunnel") == true)
    }
}
