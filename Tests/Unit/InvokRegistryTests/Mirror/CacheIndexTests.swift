import Invok
import Testing

@testable import InvokRegistry

@Suite struct CacheIndexTests {
    private let start = Instant(nanoseconds: 0)

    @Test func theLongestUnusedGoes() {
        var index = CacheIndex(limitBytes: 100)
        #expect(index.add("a", bytes: 40, checked: nil).isEmpty)
        #expect(index.add("b", bytes: 40, checked: nil).isEmpty)
        index.use("a")
        #expect(index.add("c", bytes: 40, checked: nil) == ["b"])
        #expect(index.bytes == 80 && index.count == 2)
        #expect(index.add("a", bytes: 10, checked: nil).isEmpty)
        #expect(index.bytes == 50)
    }

    @Test func oneThatIsTooLargeStaysUntilTheNextComes() {
        var index = CacheIndex(limitBytes: 100)
        _ = index.add("a", bytes: 10, checked: nil)
        #expect(index.add("b", bytes: 200, checked: nil) == ["a"])
        #expect(index.add("c", bytes: 10, checked: nil) == ["b"])
        index.remove("c")
        index.remove("c")
        #expect(index.bytes == 0 && index.count == 0)
    }

    @Test func freshnessEnds() {
        var index = CacheIndex(limitBytes: 100)
        _ = index.add("a", bytes: 1, checked: start)
        _ = index.add("old", bytes: 1, checked: nil)
        let later = start.advanced(by: .seconds(60))
        #expect(index.isFresh("a", within: .seconds(60), now: later))
        #expect(!index.isFresh("a", within: .seconds(59), now: later))
        #expect(
            !index.isFresh("old", within: .seconds(60), now: start)
                && !index.isFresh("b", within: .seconds(1), now: start))
        index.check("a", at: later)
        #expect(index.isFresh("a", within: .seconds(1), now: later))
    }
}
