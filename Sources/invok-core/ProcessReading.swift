import Invok
import InvokAPI
import InvokPOSIX

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Reads what this process takes of its machine (proc(5)); elsewhere than on Linux it cannot be told.
struct ProcessReading: Sendable {
    private let startedAt: Timestamp
    private let maximumDescriptors: Int
    // To list many descriptors takes time.
    private let thread = WorkerPool(threads: 1)

    /// - Parameter maximumDescriptors: how many the process may have open.
    init(startedAt: Timestamp, maximumDescriptors: Int) {
        self.startedAt = startedAt
        self.maximumDescriptors = maximumDescriptors
    }

    func read() async -> ProcessUse? { await thread.run { readNow() } }

    private func readNow() -> ProcessUse? {
        var usage = rusage()
        #if canImport(Glibc)
            let isKnown = getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0
        #else
            let isKnown = false
        #endif
        let pages = (Files.text("/proc/self/statm") ?? "").split(separator: " ").compactMap { Int($0) }
        guard isKnown, pages.count > 1 else { return nil }
        let pageBytes = sysconf(Int32(_SC_PAGESIZE))
        let seconds = { (time: timeval) in Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return ProcessUse(
            processorSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime), residentBytes: pages[1] * pageBytes,
            virtualBytes: pages[0] * pageBytes, openDescriptors: Files.names(in: "/proc/self/fd").count,
            maximumDescriptors: maximumDescriptors, startedAt: Double(startedAt.millisecondsSinceEpoch) / 1000)
    }
}
