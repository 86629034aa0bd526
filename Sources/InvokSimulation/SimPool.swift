import InvokSim

/// Runs many simulations, some at a time, each on a thread of its own: they share nothing, so nothing changes by it.
public enum SimPool {
    /// - Parameters:
    ///   - count: how many run at a time, above 0.
    ///   - run: one simulation.
    ///   - read: gets each result, in the order of the inputs, whichever is ready first. What it throws ends all.
    public static func run<Input: Sendable, Output: Sendable>(
        _ inputs: some Sequence<Input>, at count: Int, _ run: @escaping @Sendable (Input) -> Output,
        read: (Input, Output) throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: (Int, Input, Output).self) { group in
            var left = inputs.enumerated().makeIterator()
            var ready: [Int: (Input, Output)] = [:]
            var next = 0
            func start() {
                guard let (index, input) = left.next() else { return }
                group.addTask { (index, input, await SimThread.run { run(input) }) }
            }
            for _ in 0..<count { start() }
            while let (index, input, output) = try await group.next() {
                start()
                ready[index] = (input, output)
                while let result = ready.removeValue(forKey: next) {
                    try read(result.0, result.1)
                    next += 1
                }
            }
        }
    }
}
