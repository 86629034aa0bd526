import Foundation
import InvokModel
import Testing

struct LimitsTests {
    private func limits(_ change: (inout LimitsConfig) -> Void) throws(InvokError) -> Limits {
        var config = LimitsConfig()
        change(&config)
        return try Limits(config)
    }

    @Test func whatIsMissingIsStandard() throws {
        #expect(try Limits(LimitsConfig()) == .standard)
        let limits = try limits { $0.memoryMB = 256 }
        #expect(limits.memoryMB == 256)
        #expect(limits.cpus == Limits.standard.cpus)
    }

    @Test(
        arguments: [
            ("memoryMB", 16, 4096, \.memoryMB), ("timeoutSeconds", 1, 900, \.timeoutSeconds),
            ("pauseSeconds", 1, 900, \.pauseSeconds), ("streamSeconds", 1, 86_400, \.streamSeconds),
            ("concurrency", 1, 1000, \.concurrency), ("maxInstances", 1, 100, \.maxInstances),
            ("idleSeconds", 1, 86_400, \.idleSeconds), ("startSeconds", 1, 120, \.startSeconds),
        ] as [(String, Int, Int, any WritableKeyPath<LimitsConfig, Int?> & Sendable)])
    func wholeNumbersHaveRanges(
        field: String, lowest: Int, highest: Int, path: any WritableKeyPath<LimitsConfig, Int?> & Sendable
    ) throws {
        for value in [lowest, highest] { _ = try limits { $0[keyPath: path] = value } }
        for value in [lowest - 1, highest + 1, -1, 0, Int.min, Int.max] {
            let error = #expect(throws: InvokError.self) { try limits { $0[keyPath: path] = value } }
            #expect(error?.code == .invalidConfig)
            #expect(error?.message == "limits.\(field) is \(value), but must be from \(lowest) to \(highest)")
        }
    }

    @Test(arguments: [0, -1, 0.049, 16.01, .infinity, -.infinity, .nan, .greatestFiniteMagnitude])
    func cpusOutOfRangeAreRefused(cpus: Double) {
        let error = #expect(throws: InvokError.self) { try limits { $0.cpus = cpus } }
        #expect(error?.message.hasPrefix("limits.cpus is ") == true)
    }

    @Test func strangersMayHaveNoLimit() throws {
        #expect(try limits { $0.ratePerCaller = 0 }.ratePerCaller == 0)
        #expect(try limits { $0.ratePerCaller = 100_000 }.ratePerCaller == 100_000)
        for value in [-1, 100_001] {
            let error = #expect(throws: InvokError.self) { try limits { $0.ratePerCaller = value } }
            #expect(error?.message == "limits.ratePerCaller is \(value), but must be from 0 to 100000")
        }
    }

    @Test func moreMinimumThanStandardMaximumRaisesIt() throws {
        let limits = try limits { $0.minInstances = 7 }
        #expect(limits.minInstances == 7)
        #expect(limits.maxInstances == 7)
    }

    @Test(arguments: [(3, 2), (-1, 4), (101, 100), (Int.max, 4)])
    func theMinimumIsWithinTheMaximum(minimum: Int, maximum: Int) {
        let error = #expect(throws: InvokError.self) {
            try limits {
                $0.minInstances = minimum
                $0.maxInstances = maximum
            }
        }
        #expect(error?.message == "limits.minInstances is \(minimum), but must be from 0 to \(maximum)")
    }

    @Test func whatWasStoredBeforeThereWerePausesHasTheStandard() throws {
        let stored =
            #"{"concurrency":2,"cpus":1,"idleSeconds":3,"maxInstances":4,"memoryMB":64,"minInstances":0,"#
            + #""timeoutSeconds":7}"#
        let limits = try JSONDecoder().decode(Limits.self, from: Data(stored.utf8))
        #expect(limits.timeoutSeconds == 7)
        #expect(limits.pauseSeconds == Limits.standard.pauseSeconds)
        #expect(limits.streamSeconds == Limits.standard.streamSeconds)
        #expect(limits.startSeconds == Limits.standard.startSeconds)
        #expect(limits.ratePerCaller == 50)
        #expect(try JSONDecoder().decode(Limits.self, from: JSONEncoder().encode(limits)) == limits)
    }

    @Test func aMinimumAboveAllIsRefused() {
        #expect(throws: InvokError.self) { try limits { $0.minInstances = 101 } }
    }
}
