import Testing

@testable import Invok

struct CallCountsTests {
    private static let calls: [CallRecord] = [
        CallRecord(status: 200, duration: .milliseconds(1), requestBytes: 3, answerBytes: 5),
        CallRecord(status: 204, duration: .milliseconds(2)),
        CallRecord(status: 101, duration: .seconds(9)),
        CallRecord(status: 302, duration: .milliseconds(1)),
        CallRecord(status: 404, duration: .milliseconds(1)),
        CallRecord(status: 500, duration: .milliseconds(1)),
        CallRecord(status: 504, failure: .functionTimeout, duration: .seconds(30)),
        CallRecord(status: 200, failure: .functionFailed, duration: .milliseconds(7), answerBytes: 1),
        CallRecord(status: nil, failure: .clientGone, duration: .milliseconds(1)),
        CallRecord(status: 200, duration: .seconds(1), wait: .milliseconds(900), isCold: true),
        CallRecord(status: 599, duration: .zero), CallRecord(status: 999, duration: .zero),
    ]

    private func counts(_ calls: some Sequence<CallRecord>) -> CallCounts {
        calls.reduce(into: CallCounts()) { $0.record($1) }
    }

    @Test func eachCallIsCountedOnce() {
        let counts = counts(Self.calls)
        #expect(counts.calls == 12)
        #expect(counts.statuses == [2, 1, 4, 1, 1, 3, 0, 0])
        #expect(counts.statuses.wrappedSum() == counts.calls)
        #expect(counts.errors == 4, "by status, and what broke off")
        #expect(CallFailure.allCases.map(counts.count) == [0, 0, 0, 1, 1, 1, 0])
        #expect(counts.requestBytes == 3 && counts.answerBytes == 6)
        #expect(counts.coldStarts == 1 && counts.waits?.count == 1)
    }

    @Test(arguments: 0...12) func twoMakeOne(split: Int) {
        var merged = counts(Self.calls.prefix(split))
        merged.merge(counts(Self.calls.dropFirst(split)))
        #expect(merged == counts(Self.calls))
    }

    @Test func whatHasBegunIsBrokenOffByOneOfTwo() {
        for code in InvokError.Code.allCases {
            let failure = CallFailure(code, hasBegun: true)
            #expect([.functionFailed, .functionTimeout, .clientGone].contains(failure), "\(code)")
        }
        #expect(CallFailure(.tooManyRequests, hasBegun: false) == .tooMany)
        #expect(CallFailure(.quotaExceeded, hasBegun: false) == .noCapacity)
        #expect(CallFailure(.unauthenticated, hasBegun: false) == .refused)
        #expect(Set(CallFailure.allCases.map(\.label)).count == CallFailure.allCases.count)
        // There is a place for each.
        #expect(CallFailure.allCases.count <= SIMD8<UInt64>.scalarCount)
    }
}
