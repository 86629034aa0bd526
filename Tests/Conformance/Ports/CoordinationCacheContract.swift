import Invok
import Testing

/// What every `CoordinationCache` promises.
@Suite(.timeLimit(.minutes(1)))
struct CoordinationCacheContract {
    typealias Cache = Candidate<TimedCache>

    @Test(arguments: Cache.caches)
    func countsFromZeroPerKey(_ candidate: Cache) async throws {
        try await candidate.run { fixture async throws in
            let cache = fixture.cache
            #expect(try await cache.increment("a", window: .seconds(60)).count == 1)
            #expect(try await cache.increment("a", window: .seconds(60)).count == 2)
            #expect(try await cache.increment("b", window: .seconds(60)).count == 1)
            #expect(try await cache.increment("a", by: 3, window: .seconds(60)).count == 5)
            #expect(try await cache.increment("a", by: -4, window: .seconds(60)).count == 1)
            #expect(try await cache.increment("c", by: -1, window: .seconds(60)).count == -1)
        }
    }

    @Test(arguments: Cache.caches)
    func aCounterVanishesItsWindowAfterItsFirstIncrement(_ candidate: Cache) async throws {
        try await candidate.run { fixture in
            let cache = fixture.cache
            let first = try await cache.increment("a", window: .seconds(20))
            #expect(first.remaining <= .seconds(20) && first.remaining > .seconds(10))
            try await fixture.pass(.seconds(15))
            let second = try await cache.increment("a", window: .seconds(20))
            #expect(second.count == 2)
            #expect(second.remaining <= .seconds(5) && second.remaining > .zero)
            try await fixture.pass(.seconds(6))
            #expect(try await cache.increment("a", window: .seconds(20)).count == 1)
        }
    }

    @Test(arguments: Cache.caches)
    func countsEachOfManyIncrementsAtOnce(_ candidate: Cache) async throws {
        try await candidate.run { fixture in
            let counts = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 {
                    group.addTask { try await fixture.cache.increment("a", window: .seconds(60)).count }
                }
                return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
            }
            #expect(counts == Set(1...100))
        }
    }

    @Test(arguments: Cache.caches)
    func aLeaseHasOneHolder(_ candidate: Cache) async throws {
        try await candidate.run { fixture async throws in
            let cache = fixture.cache
            #expect(try await !cache.isLeased("k"))
            #expect(try await cache.acquireLease("k", holder: "one", duration: .seconds(60)))
            #expect(try await !cache.acquireLease("k", holder: "two", duration: .seconds(60)))
            #expect(try await cache.acquireLease("other", holder: "two", duration: .seconds(60)))
            #expect(try await cache.isLeased("k"))
        }
    }

    @Test(arguments: Cache.caches)
    func oneOfManyGetsALease(_ candidate: Cache) async throws {
        try await candidate.run { fixture in
            let winners = try await withThrowingTaskGroup(of: Bool.self) { group in
                for holder in 0..<50 {
                    group.addTask {
                        try await fixture.cache.acquireLease("k", holder: "\(holder)", duration: .seconds(60))
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(winners == 1)
        }
    }

    @Test(arguments: Cache.caches)
    func takingOnesOwnLeaseAgainExtendsIt(_ candidate: Cache) async throws {
        try await candidate.run { fixture in
            let cache = fixture.cache
            #expect(try await cache.acquireLease("k", holder: "one", duration: .milliseconds(500)))
            #expect(try await cache.acquireLease("k", holder: "one", duration: .seconds(60)))
            try await fixture.pass(.milliseconds(600))
            #expect(try await !cache.acquireLease("k", holder: "two", duration: .seconds(60)))
        }
    }

    @Test(arguments: Cache.caches)
    func aLeaseExpires(_ candidate: Cache) async throws {
        try await candidate.run { fixture in
            let cache = fixture.cache
            #expect(try await cache.acquireLease("k", holder: "one", duration: .milliseconds(200)))
            try await fixture.pass(.milliseconds(300))
            #expect(try await !cache.isLeased("k"))
            #expect(try await cache.acquireLease("k", holder: "two", duration: .seconds(60)))
        }
    }

    @Test(arguments: Cache.caches)
    func onlyItsHolderGivesALeaseBack(_ candidate: Cache) async throws {
        try await candidate.run { fixture in
            let cache = fixture.cache
            try await cache.releaseLease("k", holder: "one")
            #expect(try await cache.acquireLease("k", holder: "one", duration: .seconds(60)))
            try await cache.releaseLease("k", holder: "two")
            #expect(try await cache.isLeased("k"))
            try await cache.releaseLease("k", holder: "one")
            #expect(try await cache.acquireLease("k", holder: "two", duration: .seconds(60)))
        }
    }

    @Test(arguments: Cache.caches)
    func tellsEverySubscriberOfAChannelInOrder(_ candidate: Cache) async throws {
        try await candidate.run { fixture in
            let cache = fixture.cache
            try await cache.publish("early", to: "changes")
            let streams = [cache.messages(on: "changes"), cache.messages(on: "changes")]
            let other = cache.messages(on: "other")
            for number in 1...3 { try await cache.publish("\(number)", to: "changes") }
            try await cache.publish("else", to: "other")
            for stream in streams {
                var messages: [String] = []
                for await message in stream {
                    messages.append(message)
                    if messages.count == 3 { break }
                }
                #expect(messages == ["1", "2", "3"])
            }
            for await message in other {
                #expect(message == "else")
                break
            }
        }
    }

    @Test(arguments: Cache.caches)
    func aSlowReaderLosesTheOldestMessages(_ candidate: Cache) async throws {
        try await candidate.run { fixture in
            let stream = fixture.cache.messages(on: "changes")
            for number in 1...5000 { try await fixture.cache.publish("\(number)", to: "changes") }
            var numbers: [Int] = []
            for await message in stream {
                numbers.append(Int(message) ?? 0)
                if message == "5000" { break }
            }
            #expect(numbers.count < 5000)
            #expect(numbers == Array((5001 - numbers.count)...5000))
        }
    }

    @Test(arguments: Cache.caches)
    func messagesEndWithTheTask(_ candidate: Cache) async throws {
        try await candidate.run { fixture in
            let stream = fixture.cache.messages(on: "changes")
            let reader = Task { for await _ in stream {} }
            reader.cancel()
            await reader.value
        }
    }

    @Test(arguments: Cache.caches)
    func serves(_ candidate: Cache) async throws {
        try await candidate.run { try await $0.cache.check() }
    }
}
