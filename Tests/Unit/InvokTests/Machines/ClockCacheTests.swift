import Testing

@testable import Invok

struct ClockCacheTests {
    @Test func whatWasReadStaysAndTheRestGoes() {
        var cache = ClockCache<Int, String>(capacity: 3)
        for key in 1...3 { cache.set("\(key)", for: key) }
        #expect(cache.value(for: 1) == "1")
        #expect(cache.value(for: 3) == "3")
        cache.set("4", for: 4)
        #expect(cache.value(for: 2) == nil)
        #expect([1, 3, 4].map { cache.value(for: $0) } == ["1", "3", "4"])
    }

    @Test func itNeverGrowsBeyondItsCapacity() {
        var cache = ClockCache<Int, Int>(capacity: 10)
        for key in 0..<1000 {
            cache.set(key, for: key)
            if key % 3 == 0 { _ = cache.value(for: key) }
            #expect(cache.count <= 10)
        }
        #expect(cache.value(for: 999) == 999)
    }

    @Test func entriesAreReplacedAndRemoved() {
        var cache = ClockCache<Int, String>(capacity: 3)
        for key in 1...3 { cache.set("\(key)", for: key) }
        cache.set("two", for: 2)
        cache.remove(1)
        cache.remove(9)
        #expect(cache.count == 2)
        #expect(cache.value(for: 1) == nil)
        #expect(cache.value(for: 2) == "two")
        #expect(cache.value(for: 3) == "3")
        for key in 4...5 { cache.set("\(key)", for: key) }
        #expect(cache.count == 3)
    }
}
