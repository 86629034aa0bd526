/// Finds a smaller run that still fails: fewer kinds of fault, then fewer users, functions, and less time.
public enum SimShrinker {
    /// - Parameters:
    ///   - failing: a run that fails.
    ///   - attempt: runs a configuration and says whether it fails.
    /// - Returns: the smallest found; it fails too.
    public static func shrink(
        _ failing: SystemSimulation.Configuration, attempt: (SystemSimulation.Configuration) -> Bool
    ) -> SystemSimulation.Configuration {
        var best = failing
        var isSmaller = true
        while isSmaller {
            isSmaller = false
            for candidate in candidates(best) where attempt(candidate) {
                best = candidate
                isSmaller = true
                break
            }
        }
        return best
    }

    private static func candidates(_ from: SystemSimulation.Configuration) -> [SystemSimulation.Configuration] {
        var all: [SystemSimulation.Configuration] = []
        func add(_ change: (inout SystemSimulation.Configuration) -> Void) {
            var candidate = from
            change(&candidate)
            if candidate != from { all.append(candidate) }
        }
        add { $0.faults = [] }
        for fault in from.faults.sorted() { add { $0.faults.remove(fault) } }
        for mischief in from.mischief.sorted() { add { $0.mischief.remove(mischief) } }
        add { $0.users = max(1, $0.users / 2) }
        add { $0.users = max(1, $0.users - 1) }
        add { $0.functions = max(1, $0.functions / 2) }
        add { $0.functions = max(1, $0.functions - 1) }
        add { $0.cores = max(1, $0.cores - 1) }
        // Not below a fifth of a minute, and in numbers that can be read.
        add { $0.duration = min($0.duration, max(.seconds(12), $0.duration / 2)) }
        return all
    }
}
