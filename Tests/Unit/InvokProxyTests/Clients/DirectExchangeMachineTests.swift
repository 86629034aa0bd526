import Invok
import Testing

@testable import InvokProxy

struct DirectExchangeMachineTests {
    private static let limits = Limits.standard
    private static let timeout = Duration.seconds(Limits.standard.timeoutSeconds)
    private static let pause = Duration.seconds(Limits.standard.pauseSeconds)

    private func at(_ time: Duration) -> Instant { Instant(nanoseconds: 0).advanced(by: time) }

    private func machine(isReused: Bool = false, hasBody: Bool = false) -> DirectExchangeMachine {
        var machine = DirectExchangeMachine(Self.limits, now: at(.zero))
        #expect(machine.onConnected(isReused: isReused, hasBody: hasBody) == (hasBody ? .readBody : nil))
        return machine
    }

    @Test func anAnswerEndsItOnce() {
        var machine = machine()
        #expect(machine.onAnswer(isTaken: true, now: at(.seconds(1))) == nil)
        #expect(machine.onAnswerEnd() == .end(.answered))
        #expect(machine.onAnswerEnd() == nil && machine.onClientGone() == nil && machine.due == nil)
        #expect(machine.onInstanceFailed("late", isClosed: true, isIdempotent: true) == nil)
        #expect(machine.onTime(now: .distantFuture) == nil)
    }

    @Test(arguments: [(false, InstancePool.Outcome.refused), (true, .unsent)])
    func withoutAConnectionAnotherIsTried(isExhaustion: Bool, outcome: InstancePool.Outcome) {
        var machine = DirectExchangeMachine(Self.limits, now: at(.zero))
        #expect(machine.onConnectFailed(isExhaustion: isExhaustion) == .end(.elsewhere(outcome)))
        #expect(machine.onConnected(isReused: false, hasBody: true) == nil, "the client had gone meanwhile, or so")
    }

    /// Only what the instance may have closed for being idle is tried again, and only what bears it.
    @Test(arguments: [
        (true, true, true, false, true), (false, true, true, false, false), (true, false, true, false, false),
        (true, true, false, false, false), (true, true, true, true, false),
    ])
    func whatMayBeRepeatedIs(isReused: Bool, isClosed: Bool, isIdempotent: Bool, hasBody: Bool, isRepeated: Bool) {
        var machine = machine(isReused: isReused, hasBody: hasBody)
        let ending = machine.onInstanceFailed("gone", isClosed: isClosed, isIdempotent: isIdempotent)
        #expect(ending == .end(isRepeated ? .elsewhere(.unsent) : .failed(.broken("gone"))))
    }

    @Test func whatIsAnsweredIsNotRepeated() {
        var machine = machine(isReused: true)
        _ = machine.onAnswer(isTaken: true, now: at(.zero))
        #expect(machine.onInstanceFailed("gone", isClosed: true, isIdempotent: true) == .end(.failed(.broken("gone"))))
        #expect(machine.isAnswered)
    }

    @Test func aBodyIsReadAsFastAsTheInstanceTakesIt() {
        var machine = machine(hasBody: true)
        #expect(machine.onBody(isLast: false, isTaken: true, now: at(.zero)) == .readBody)
        #expect(machine.onInstanceWritable(now: at(.zero)) == nil, "nothing waits for that")
        #expect(machine.onBody(isLast: false, isTaken: false, now: at(.zero)) == nil)
        #expect(machine.onInstanceWritable(now: at(.zero)) == .readBody)
        #expect(machine.onBody(isLast: true, isTaken: false, now: at(.zero)) == nil)
        #expect(machine.onInstanceWritable(now: at(.zero)) == nil)
    }

    @Test func anAnswerIsReadAsFastAsTheClientTakesIt() {
        var machine = machine()
        #expect(machine.onAnswer(isTaken: false, now: at(.zero)) == .holdAnswer)
        #expect(machine.onAnswer(isTaken: false, now: at(.zero)) == nil, "what one read had brought")
        #expect(machine.onClientWritable(now: at(.zero)) == .readAnswer)
        #expect(machine.onClientWritable(now: at(.zero)) == nil)
    }

    @Test func theTimeToAnswerCounts() {
        var machine = machine()
        #expect(machine.due == at(Self.timeout))
        #expect(machine.onTime(now: at(Self.timeout - .nanoseconds(1))) == nil)
        #expect(machine.onTime(now: at(Self.timeout)) == .end(.expired(.head)))
    }

    @Test func theClientsTurnsCountForTheWholeAlone() {
        var machine = machine(hasBody: true)
        // It waits for the body.
        #expect(machine.onTime(now: at(Self.timeout * 2)) == nil)
        #expect(machine.onBody(isLast: true, isTaken: true, now: at(Self.timeout * 2)) == nil)
        #expect(machine.due == at(Self.timeout * 3))
        // And for the client to take the answer.
        _ = machine.onAnswer(isTaken: false, now: at(Self.timeout * 2))
        let whole = Duration.seconds(Self.limits.streamSeconds)
        #expect(machine.due == at(whole))
        #expect(machine.onClientWritable(now: at(Self.timeout * 2)) == .readAnswer)
        #expect(machine.due == min(at(Self.timeout * 2 + Self.pause), at(whole)))
        #expect(machine.onTime(now: at(whole)) == .end(.expired(.stream)))
    }

    @Test func theEndingSaysWhatItMeansForTheInstance() {
        let outcomes: [(DirectExchangeMachine.Ending, InstancePool.Outcome)] = [
            (.answered, .answered), (.elsewhere(.unsent), .unsent), (.failed(.broken("")), .broken),
            (.expired(.head), .timedOut), (.clientGone, .abandoned),
        ]
        for (ending, outcome) in outcomes { #expect(ending.outcome == outcome) }
    }
}
