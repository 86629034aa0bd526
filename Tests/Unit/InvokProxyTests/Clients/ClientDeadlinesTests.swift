import Testing

@testable import InvokProxy

struct ClientDeadlinesTests {
    private static let limits = ClientLimits(
        firstByte: .seconds(10), idle: .seconds(30), head: .seconds(20), pause: .seconds(30), body: .seconds(600),
        leastRate: 1024)
    private var deadlines = ClientDeadlines(limits, now: .zero)

    private func at(_ seconds: Double) -> Duration { .seconds(seconds) }

    @Test mutating func theFirstByteAndTheHeadInAll() {
        #expect(deadlines.deadline == at(10))
        deadlines.onBytes(now: at(9))
        #expect(deadlines.deadline == at(29))
        // A byte now and then wins no time.
        deadlines.onBytes(now: at(28))
        #expect(deadlines.deadline == at(29))
    }

    @Test mutating func nobodyIsWaitedForWhileAnAnswerIsMade() {
        deadlines.onBytes(now: at(1))
        deadlines.onHead(Self.limits, waits: false)
        deadlines.onEnd(now: at(1))
        #expect(deadlines.deadline == nil)
        deadlines.onBytes(now: at(50))
        #expect(deadlines.deadline == nil)
        let answered1 = deadlines.onAnswered(now: at(100))
        #expect(answered1)
        #expect(deadlines.deadline == at(130))
        deadlines.onBytes(now: at(129))
        #expect(deadlines.deadline == at(149))
    }

    @Test mutating func anAnswerThatComesEarlyDoesNotEndTheBody() {
        deadlines.onHead(Self.limits, waits: false)
        deadlines.onRead(now: at(1))
        let answered2 = deadlines.onAnswered(now: at(2))
        #expect(!answered2)
        #expect(deadlines.deadline == at(31))
        deadlines.onEnd(now: at(3))
        #expect(deadlines.deadline == at(33))
    }

    @Test mutating func severalRequestsAreWaitedFor() {
        for _ in 0..<2 {
            deadlines.onHead(Self.limits, waits: false)
            deadlines.onEnd(now: at(1))
        }
        let answered3 = deadlines.onAnswered(now: at(2))
        #expect(!answered3)
        #expect(deadlines.deadline == nil)
        let answered4 = deadlines.onAnswered(now: at(3))
        #expect(answered4)
        #expect(deadlines.deadline == at(33))
    }

    @Test mutating func onlyTimeInWhichTheBodyIsWantedCounts() {
        deadlines.onHead(Self.limits, waits: false)
        #expect(deadlines.deadline == nil)
        for second in stride(from: 0.0, to: 100_000, by: 1000) {
            deadlines.onRead(now: at(second))
            deadlines.onBody(1024, now: at(second + 1))
            #expect(deadlines.deadline == nil)
        }
        deadlines.onRead(now: at(200_000))
        #expect(deadlines.deadline == at(200_030))
    }

    @Test mutating func aBodyThatIsTooSlowInAllEnds() {
        deadlines.onHead(Self.limits, waits: false)
        var now = 0.0
        // A byte each 10 s: never a pause that is too long, and over when the grace is.
        while true {
            deadlines.onRead(now: at(now))
            guard let deadline = deadlines.deadline, deadline > at(now + 10) else { break }
            now += 10
            deadlines.onBody(1, now: at(now))
        }
        #expect(now == 30)
    }

    @Test mutating func aBodyThatIsFastEnoughStillEndsInTime() {
        deadlines.onHead(Self.limits, waits: false)
        for second in 0..<599 {
            deadlines.onRead(now: at(Double(second)))
            deadlines.onBody(10_000, now: at(Double(second) + 1))
        }
        deadlines.onRead(now: at(599))
        #expect(deadlines.deadline == at(600))
    }

    @Test mutating func whoWaitsToBeToldToGoOnIsNotWaitedFor() {
        deadlines.onHead(Self.limits, waits: true)
        deadlines.onRead(now: at(0))
        #expect(deadlines.deadline == nil)
        deadlines.onContinue(now: at(100))
        #expect(deadlines.deadline == at(130))
    }
}
