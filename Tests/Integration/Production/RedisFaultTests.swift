import Foundation
import Invok
import InvokEmbedded
import InvokRedis
import Logging
import TestSupport
import Testing

/// What the cache does when Redis goes away and comes back.
@Suite(.enabled(if: Services.areSelected), .timeLimit(.minutes(2)))
struct RedisFaultTests {
    private func open(_ url: String) async throws -> RedisCache {
        try await RedisCache.open(
            RedisTarget(url: url), prefix: "test:\(UUID().uuidString):", clock: SystemClock(),
            randomness: SystemRandomness(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func isAway(_ cache: RedisCache) async -> Bool {
        do throws(CacheError) {
            try await cache.check()
            return false
        } catch {
            return true
        }
    }

    @Test func everyCallFailsFastWhileRedisIsAwayAndWorksAgainAfterwards() async throws {
        try await OwnServices.with("redis") { services in
            let cache = try await open(services.redisURL)
            #expect(try await cache.increment("n", window: .seconds(60)).count == 1)
            try await services.stop("redis")
            try await eventually("it is noticed") { await isAway(cache) }
            let began = ContinuousClock.now
            for _ in 0..<1000 {
                do throws(CacheError) {
                    _ = try await cache.acquireLease("k", holder: "h", duration: .seconds(1))
                    Issue.record("it was acquired from nobody")
                } catch {
                    // As it should be.
                }
            }
            #expect(began.duration(to: .now) < .seconds(2))
            try await services.start("redis")
            try await eventually("it serves again") { await !isAway(cache) }
            // Everything in it has vanished.
            #expect(try await cache.increment("n", window: .seconds(60)).count == 1)
            cache.close()
        }
    }

    @Test func listenersHearAgainAfterARestart() async throws {
        try await OwnServices.with("redis") { services in
            let prefix = "test:"
            let caches = try await [0, 1].asyncMap { _ in
                try await RedisCache.open(
                    RedisTarget(url: services.redisURL), prefix: prefix, clock: SystemClock(),
                    randomness: SystemRandomness(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            }
            let stream = caches[1].messages(on: "changes")
            let heard = Task {
                for await message in stream where message == "after" { return true }
                return false
            }
            try await services.stop("redis")
            try await services.start("redis")
            let publishing = Task {
                // A message may be lost, so it is said until it is heard.
                while !Task.isCancelled {
                    try? await caches[0].publish("after", to: "changes")
                    try await Task.sleep(for: .milliseconds(20))
                }
            }
            #expect(await heard.value)
            publishing.cancel()
            for cache in caches { cache.close() }
        }
    }

    @Test func whatKeepsTheServerFromStartingIsNamedWithTheNextStep() async throws {
        let url = try Services.redisURL()
        // redis://:SECRET@…
        let secret = String(url.dropFirst(9).prefix { $0 != "@" })
        let cases = [
            (url.replacing(secret, with: "wrong"), "check the password"),
            (url.replacing(":\(secret)@", with: ""), "check the password"),
            ("redis://:\(secret)@127.0.0.1:1/0", "check that the server runs"),
            (String(url.dropLast(2)) + "/99999", "check the database's number"),
        ]
        for (url, nextStep) in cases {
            do {
                _ = try await open(url)
                Issue.record("it opened: \(nextStep)")
            } catch let error as InvokError {
                #expect(error.code == .unavailable)
                #expect(error.nextStep?.contains(nextStep) == true, "\(error)")
                #expect(!"\(error)".contains(secret))
            }
        }
    }
}

extension Array {
    fileprivate func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
