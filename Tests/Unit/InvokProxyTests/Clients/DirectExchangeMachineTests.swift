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

    // MARK: Tunnels

    private func tunnel(at time: Duration = .zero) -> DirectExchangeMachine {
        var machine = machine()
        #expect(machine.onUpgraded(now: at(time)) == .readBody)
        return machine
    }

    @Test func aTunnelEndsOnceBothSidesHave() {
        var machine = tunnel()
        #expect(machine.onBody(isLast: true, isTaken: true, now: at(.zero)) == nil)
        #expect(machine.onAnswer(isTaken: true, now: at(.zero)) == nil, "the instance still sends")
        #expect(machine.onAnswerEnd() == .closeTunnel)
        #expect(machine.onInstanceFailed("closed", isClosed: true, isIdempotent: true) == .end(.answered))
        var other = tunnel()
        #expect(other.onAnswerEnd() == nil)
        #expect(other.onBody(isLast: false, isTaken: true, now: at(.zero)) == .readBody, "the client still sends")
        #expect(other.onBody(isLast: true, isTaken: true, now: at(.zero)) == .closeTunnel)
        #expect(other.onInstanceFailed("closed", isClosed: true, isIdempotent: true) == .end(.answered))
    }

    @Test func theEndOfEitherSideEndsTheOther() {
        var machine = tunnel()
        #expect(machine.onClientGone() == .end(.clientGone))
        machine = tunnel()
        #expect(
            machine.onInstanceFailed("gone", isClosed: true, isIdempotent: true) == .end(.failed(.broken("gone"))))
        // One that has ended its sending before is whole.
        machine = tunnel()
        _ = machine.onAnswerEnd()
        #expect(machine.onInstanceFailed("gone", isClosed: true, isIdempotent: true) == .end(.answered))
        machine = tunnel()
        _ = machine.onAnswerEnd()
        #expect(machine.onClientGone() == .end(.answered))
    }

    /// The time for an answer is over with its head; the pause counts whoever's turn it is.
    @Test func aTunnelHasItsTimes() {
        var machine = tunnel(at: .seconds(1))
        #expect(machine.due == at(.seconds(1) + Self.pause), "though it reads")
        #expect(machine.onBody(isLast: false, isTaken: true, now: at(.seconds(10))) == .readBody)
        #expect(machine.due == at(.seconds(10) + Self.pause))
        #expect(machine.onAnswer(isTaken: true, now: at(.seconds(20))) == nil)
        #expect(machine.due == at(.seconds(20) + Self.pause))
        #expect(machine.onTime(now: at(.seconds(19) + Self.pause)) == nil)
        #expect(machine.onTime(now: at(.seconds(20) + Self.pause)) == .end(.tunnelExpired))
        let whole = Duration.seconds(Self.limits.streamSeconds)
        var other = tunnel()
        var time = Duration.zero
        while time < whole {
            #expect(other.onTime(now: at(time)) == nil)
            _ = other.onAnswer(isTaken: true, now: at(time))
            time += Self.pause - .seconds(1)
        }
        #expect(other.onTime(now: at(whole)) == .end(.tunnelExpired))
    }

    @Test func theEndingSaysWhatItMeansForTheInstance() {
        let outcomes: [(DirectExchangeMachine.Ending, InstancePool.Outcome)] = [
            (.answered, .answered), (.elsewhere(.unsent), .unsent), (.failed(.broken("")), .broken),
            (.expired(.head), .timedOut), (.tunnelExpired, .abandoned), (.clientGone, .abandoned),
        ]
        for (ending, outcome) in outcomes { #expect(ending.outcome == outcome) }
    }
}
