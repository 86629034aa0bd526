import Invok

extension SimCluster {
    /// What only a fault explains.
    private static let fromFaults: Set<InvokError.Code> = [
        .unavailable, .conflict, .deployInProgress, .startFailed, .noCapacity, .functionFailed, .functionTimeout,
    ]

    /// An error that only a fault explains is a violation where there are none; some are one always.
    /// - Parameter allowed: what the call may be told whether or not there are faults.
    func judge(_ error: InvokError, _ what: String, allowed: Set<InvokError.Code>) {
        checker.mark("error \(error.code.rawValue)")
        if allowed.contains(error.code) { return }
        let isExplained = isDisturbed && Self.fromFaults.contains(error.code)
        checker.require(isExplained, "\(what): \(error.code.rawValue): \(error.message) (\(error.inner ?? ""))")
    }

    /// Works for somebody who goes away after a time.
    /// - Returns: what the work returned, and whether it was cancelled before.
    func abandoning<Value: Sendable>(
        after patience: Duration?, _ work: @escaping @Sendable () async -> Value
    ) async -> (value: Value, isAbandoned: Bool) {
        guard let patience else { return (await work(), false) }
        return await withTaskGroup(of: Value?.self) { group in
            group.addTask { await work() }
            group.addTask {
                await self.sleep(patience)
                return nil
            }
            var isAbandoned = false
            while let next = await group.next() {
                if let value = next {
                    group.cancelAll()
                    return (value, isAbandoned)
                }
                isAbandoned = true
                checker.mark("caller went away")
                group.cancelAll()
            }
            preconditionFailure("the group holds the work")
        }
    }
}
