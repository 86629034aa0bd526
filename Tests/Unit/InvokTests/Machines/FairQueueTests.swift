import Testing

@testable import Invok

struct FairQueueTests {
    private typealias Queue = FairQueue<String, Int>

    /// All that get a place now, in their order.
    private func admitted(_ queue: inout Queue) -> [Int] {
        var elements: [Int] = []
        while let next = queue.next() { elements.append(next.element) }
        return elements
    }

    @Test func placesAreGivenInOrderAndGivenBack() {
        var queue = Queue(places: 2)
        for number in 1...3 { queue.append(number, of: "a") }
        #expect(admitted(&queue) == [1, 2])
        #expect(queue.count == 1 && queue.freePlaces == 0)
        queue.leave("a")
        #expect(admitted(&queue) == [3])
        #expect(queue.isEmpty)
    }

    @Test func ownersTakeTurnsHoweverMuchOneOfThemHasWaiting() {
        var queue = Queue(places: 1)
        for number in 1...100 { queue.append(number, of: "greedy") }
        queue.append(101, of: "modest")
        queue.append(102, of: "other")
        var order: [Int] = []
        while let next = queue.next() {
            order.append(next.element)
            queue.leave(next.owner)
        }
        #expect(order.prefix(4) == [1, 101, 102, 2])
    }

    @Test func nobodyGetsMoreThanTheShareWhileOthersWait() {
        var queue = Queue(places: 4, share: 2)
        for number in 1...4 { queue.append(number, of: "greedy") }
        for number in 11...12 { queue.append(number, of: "modest") }
        #expect(admitted(&queue) == [1, 11, 2, 12])
        // A place is free again and it is the greedy one's turn, who has its share.
        queue.append(13, of: "modest")
        queue.leave("modest")
        #expect(admitted(&queue) == [13])
    }

    @Test func whatNobodyElseWantsMayBeHadOverTheShare() {
        var queue = Queue(places: 4, share: 2)
        for number in 1...6 { queue.append(number, of: "greedy") }
        #expect(admitted(&queue) == [1, 2, 3, 4])
        queue.append(7, of: "modest")
        queue.leave("greedy")
        #expect(admitted(&queue) == [7])
    }

    @Test func whatMayNotGoKeepsItsTurnAndHoldsUpNobody() {
        var queue = Queue(places: 2)
        queue.append(1, of: "a")
        queue.append(2, of: "a")
        queue.append(3, of: "b")
        let first = queue.next { $0 != 1 && $0 != 2 }
        #expect(first?.element == 3)
        let second = queue.next { $0 != 1 }
        #expect(second?.element == 2)
        queue.leave("a")
        let third = queue.next()
        #expect(third?.element == 1)
    }

    @Test func whatIsRemovedWaitsNoMore() {
        var queue = Queue(places: 1)
        queue.append(1, of: "a")
        queue.append(2, of: "b")
        let isTaken = queue.remove(1, of: "a")
        #expect(isTaken)
        let isTakenAgain = queue.remove(1, of: "a")
        #expect(!isTakenAgain)
        #expect(admitted(&queue) == [2])
        queue.leave("b")
        queue.append(3, of: "a")
        #expect(queue.count(of: "a") == 1)
        #expect(admitted(&queue) == [3])
    }
}
