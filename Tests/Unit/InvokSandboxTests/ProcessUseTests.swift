import Testing

@testable import InvokSandbox

@Suite struct ProcessUseTests {
    private func parse(_ text: String) -> ProcessUse? { ProcessUse(Array(text.utf8)) }

    @Test func readsWhatTheKernelSays() throws {
        let use = try #require(
            parse(
                "Name:\tRssAnon: 9\nPPid:\t17\nVmRSS:\t    999 kB\nRssAnon:\t    1024 kB\nRssFile:\t     500 kB\n"
                    + "RssShmem:\t      16 kB\nVmSwap:\t       8 kB\nThreads:\t1\n"))
        #expect(use.parent == 17 && use.bytes == 1048 << 10 && use.hasMemory)
    }

    @Test func oneThatHasEndedUsesNothing() throws {
        let use = try #require(parse("Name:\tx\nState:\tZ (zombie)\nPPid:\t1"))
        #expect(use.parent == 1 && use.bytes == 0 && !use.hasMemory)
        #expect(parse("") == nil && parse("PPid:\t\n") == nil)
    }

    @Test func findsAllBelowAProcess() throws {
        let parents: [(Int32, Int32)] = [(1, 0), (10, 1), (11, 10), (12, 11), (13, 11), (20, 1), (30, 31), (31, 30)]
        var all: [Int32: ProcessUse] = [:]
        for (process, parent) in parents { all[process] = parse("PPid:\t\(parent)\n") }
        let snapshot = ProcessSnapshot(all)
        #expect(snapshot.tree(of: 10) == [10, 11, 12, 13])
        #expect(snapshot.tree(of: 20) == [20])
        // Read one after the other, and the identifier given again meanwhile: no tree, and an end all the same.
        #expect(snapshot.tree(of: 30) == [30, 31])
    }
}
