import InvokSim
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct ChangeFeedTests {
    @Test func anotherCoreLearnsOfAChange() async throws {
        let sim = SimWorld(seed: 1)
        let (one, other) = (Rig(on: sim), Rig(on: sim))
        let owner = try await one.user()
        let key = try one.key(owner)
        let following = Task {
            await withDiscardingTaskGroup { group in
                group.addTask { await other.changes.follow(into: other.directory) }
                group.addTask { await other.directory.run() }
            }
        }
        try await one.running {
            try await one.deploy("hello", as: owner)
            // The subscription is a task of its own, so it is told until it listens; nonsense does no harm.
            try await one.eventually {
                for text in ["", "x", "a/b", "\(key)/c", "\(key.namespace)/NO"] {
                    try await sim.cache.publish(text, to: ChangeFeed.channel)
                }
                await one.changes.announce(key)
                return other.directory.known(key) != nil
            }
            try await one.functions.delete(key, as: owner)
            try await one.eventually { other.directory.known(key) == nil }
        }
        following.cancel()
        await following.value
    }

    @Test func withoutTheCacheNothingIsThrown() async throws {
        let rig = Rig { world, _ in world.cache = AbsentCache() }
        await rig.changes.announce(try rig.key(try await rig.user()))
        await rig.changes.follow(into: rig.directory)
    }
}
