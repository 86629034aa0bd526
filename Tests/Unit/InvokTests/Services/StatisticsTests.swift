import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct StatisticsTests {
    @Test func theOwnerSeesWhatWasCounted() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy("hello hi", as: owner)
            let key = try rig.key(owner)
            for milliseconds in 1...100 {
                let status = milliseconds > 98 ? 500 : 200
                rig.calls.tasks.record(CallRecord(status: status, duration: .milliseconds(milliseconds)), of: key)
            }
            let stats = try await rig.statistics.statistics(of: key, since: nil, points: 60, as: owner)
            #expect(stats.total.calls == 100 && stats.total.errors == 2 && stats.instances == 1)
            #expect(stats.points.count == 1 && stats.points[0].figures == stats.total)
            for (told, exact) in [(stats.total.p50, 50.0), (stats.total.p95, 95), (stats.total.p99, 99)] {
                #expect(abs(try #require(told) - exact) <= 0.025 * exact)
            }
        }
    }

    @Test func minutesAreClosedAsTimeGoesBy() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        try await rig.running {
            try await rig.deploy("hello hi", limits: #"{"idleSeconds":3600}"#, as: owner)
            let key = try rig.key(owner)
            let counting = Task {
                await rig.calls.run(clock: rig.sim.clock, directory: rig.directory, dispatcher: rig.dispatcher)
            }
            let start = rig.sim.clock.wallTime()
            for minute in 1...3 {
                for _ in 0..<minute {
                    rig.calls.tasks.record(CallRecord(status: 200, duration: .milliseconds(1)), of: key)
                }
                try await rig.eventually {
                    rig.sim.clock.advance(by: .milliseconds(100))
                    return rig.sim.clock.wallTime() > start.advanced(by: .seconds(60 * minute + 1))
                }
            }
            let stats = try await rig.statistics.statistics(of: key, since: start, points: 60, as: owner)
            #expect(stats.points.map(\.figures.calls).reduce(0, +) == 6 && stats.total.calls == 6)
            #expect(stats.points.map(\.figures.calls) == [1, 2, 3, 0])
            #expect(stats.points.allSatisfy { $0.figures.instances == 1 })
            #expect(stats.points.first?.time == "2026-01-01T00:00:00.000Z")
            counting.cancel()
            await counting.value
        }
    }

    @Test func whoMayNotSeeItFindsNothing() async throws {
        let rig = Rig()
        let (owner, stranger) = (try await rig.user(), try await rig.user("stranger"))
        try await rig.running {
            try await rig.deploy("hello hi", as: owner)
            let key = try rig.key(owner)
            let none = FunctionKey(namespace: owner.namespace, name: try FunctionName("none"))
            for (key, principal) in [(key, stranger), (none, owner), (none, stranger)] {
                await #expect { () async throws in
                    _ = try await rig.statistics.statistics(of: key, since: nil, points: 60, as: principal)
                } throws: { ($0 as? InvokError)?.code == .notFound }
            }
        }
    }
}
