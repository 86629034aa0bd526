import Testing

@testable import InvokConcurrency

@Suite(.timeLimit(.minutes(1)))
struct BroadcastTests {
    @Test func reachesTheListenersOfItsChannelOnly() async {
        let broadcast = Broadcast<String, Int>(buffer: 4)
        let (one, other) = (broadcast.messages(on: "one"), broadcast.messages(on: "other"))
        broadcast.send(1, on: "one")
        broadcast.send(2, on: "other")
        var iterators = (one.makeAsyncIterator(), other.makeAsyncIterator())
        #expect(await iterators.0.next() == 1)
        #expect(await iterators.1.next() == 2)
    }

    @Test func aSlowListenerLosesTheOldest() async {
        let broadcast = Broadcast<Int, Int>(buffer: 2)
        var iterator = broadcast.messages(on: 0).makeAsyncIterator()
        for number in 1...5 { broadcast.send(number, on: 0) }
        #expect(await iterator.next() == 4)
        #expect(await iterator.next() == 5)
    }

    @Test func forgetsListenersThatAreGone() async {
        let broadcast = Broadcast<Int, Int>(buffer: 2)
        do {
            let dropped = broadcast.messages(on: 0)
            #expect(broadcast.listenerCount == 1)
            _ = dropped
        }
        #expect(broadcast.listenerCount == 0)
        let stream = broadcast.messages(on: 0)
        let reader = Task { for await _ in stream {} }
        reader.cancel()
        await reader.value
        #expect(broadcast.listenerCount == 0)
    }
}
