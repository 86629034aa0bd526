import Invok
import InvokSim
import Testing

/// What every `Spool` promises.
@Suite(.timeLimit(.minutes(1)))
struct SpoolContract {
    @Test(arguments: Candidate<any Spool>.spools)
    func givesBackWhatWasWritten(_ candidate: Candidate<any Spool>) async throws {
        try await candidate.run { spool in
            let file = try await spool.make()
            #expect(file.count == 0)
            #expect(try file.read(0..<0) == [])
            let large = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }
            try await file.append([1, 2, 3])
            try await file.append([])
            try await file.append(large)
            #expect(file.count == 200_003)
            #expect(try file.read(0..<file.count) == [1, 2, 3] + large)
            #expect(try file.read(2..<5) == [3, 0, 1])
            // Reading moves nothing.
            try await file.append([9])
            #expect(try file.read(200_002..<200_004) == [large[199_999], 9])
        }
    }

    @Test(arguments: Candidate<any Spool>.spools)
    func filesAreApart(_ candidate: Candidate<any Spool>) async throws {
        try await candidate.run { spool in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for byte in UInt8(0)..<40 {
                    group.addTask {
                        let file = try await spool.make()
                        for _ in 0..<10 { try await file.append([byte]) }
                        #expect(try file.read(0..<file.count) == [UInt8](repeating: byte, count: 10))
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}
