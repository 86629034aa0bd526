#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// How many files and sockets the process may have open (RLIMIT_NOFILE).
enum DescriptorLimit {
    /// More is of no use, and what goes over all possible descriptors would take long.
    static let wanted = 65_536

    /// Raises the soft limit towards the hard one: many systems start a process with 1024.
    /// - Returns: the limit now.
    static func raise() -> Int {
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { return 1024 }
        let target = min(limit.rlim_max, rlim_t(wanted))
        if limit.rlim_cur < target {
            var raised = rlimit(rlim_cur: target, rlim_max: limit.rlim_max)
            if setrlimit(resource, &raised) == 0 { limit = raised }
        }
        return Int(min(limit.rlim_cur, rlim_t(Int32.max)))
    }

    /// How many connections of clients fit: a request may need one to its instance as well, and a reserve stays for
    /// instances, builds, the store and logs.
    static func connections(within descriptors: Int) -> Int {
        min(16_384, max(16, (descriptors - max(256, descriptors / 8)) / 2))
    }

    #if canImport(Glibc)
        private static let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        private static let resource = RLIMIT_NOFILE
    #endif
}
