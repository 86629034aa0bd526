import InvokSim
import TestSupport
import Testing

@testable import Invok

@Suite(.timeLimit(.minutes(1)))
struct DiskReserveTests {
    @Test(arguments: [
        (0, 0, true), (0, 5, false), (49, 5, false), (50, 5, true), (1000, 5, true), (989, 99, false), (990, 99, true),
    ])
    func aPartOfTheDiskIsKept(free: Int, percent: Int, isKept: Bool) {
        #expect(DiskReserve.isKept(percent, by: DiskSpace(freeBytes: free << 30, totalBytes: 1000 << 30)) == isKept)
    }

    @Test func theLargestDiskIsNotTooLarge() {
        #expect(DiskReserve.isKept(99, by: DiskSpace(freeBytes: .max, totalBytes: .max)))
        #expect(!DiskReserve.isKept(99, by: DiskSpace(freeBytes: 0, totalBytes: .max)))
    }

    @Test func aDiskThatCannotBeAskedTakesNothing() async {
        struct Broken: DataDisk {
            func space() async throws(DataDiskError) -> DiskSpace { throw .unavailable("it is gone") }
        }
        let error = await #expect(throws: InvokError.self) { try await DiskReserve(Broken(), percent: 1).check() }
        #expect(error?.code == .unavailable)
        // Who keeps nothing does not ask.
        await #expect(throws: Never.self) { try await DiskReserve(Broken(), percent: 0).check() }
    }

    /// New versions are refused and change nothing; all else goes on.
    @Test func onANearlyFullDiskFunctionsGoOn() async throws {
        let rig = Rig()
        let owner = try await rig.user()
        let key = try rig.key(owner)
        try await rig.running {
            try await rig.deploy("hello one", as: owner)
            try await rig.deploy("hello two", as: owner)
            rig.sim.disk.fill(for: .seconds(60))
            #expect(await code { try await rig.deploy("hello three", as: owner) } == .storageFull)
            #expect(
                await code {
                    _ = try await rig.deployments.update(key, FunctionUpdate(env: ["A": "1"]), as: owner)
                } == .storageFull)
            #expect(try await rig.versions(owner).count == 2)
            #expect(try await rig.invoke(key, token: rig.token(owner)).text == "two")
            // Neither takes room.
            _ = try await rig.deployments.update(key, FunctionUpdate(access: .public), as: owner)
            _ = try await rig.deployments.rollback(key, to: nil, as: owner)
            #expect(try await rig.invoke(key, token: rig.token(owner)).text == "one")
            rig.sim.clock.advance(by: .seconds(61))
            try await rig.deploy("hello three", as: owner)
            #expect(try await rig.invoke(key, token: rig.token(owner)).text == "three")
        }
    }
}
