import Invok
import Testing

/// What every `DataDisk` promises.
@Suite(.timeLimit(.minutes(1)))
struct DataDiskContract {
    @Test(arguments: Candidate<any DataDisk>.disks)
    func tellsWhatIsFreeOfHowMuch(_ candidate: Candidate<any DataDisk>) async throws {
        try await candidate.run { disk in
            let space = try await disk.space()
            #expect(space.totalBytes > 1 << 20)
            #expect((0...space.totalBytes).contains(space.freeBytes))
        }
    }

    @Test(arguments: Candidate<any DataDisk>.disks)
    func isAskedByManyAtOnce(_ candidate: Candidate<any DataDisk>) async throws {
        try await candidate.run { disk in
            let totals = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<40 { group.addTask { try await disk.space().totalBytes } }
                return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
            }
            #expect(totals.count == 1)
        }
    }
}
