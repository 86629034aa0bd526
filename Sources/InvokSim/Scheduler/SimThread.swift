import CSimulation

/// A thread for one simulation: a test awaits it without giving its own thread away.
public enum SimThread {
    fileprivate final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// Runs the body on a thread of its own.
    public static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            start(Body { continuation.resume(returning: body()) })
        }
    }

    private static func start(_ body: Body) {
        let argument = Unmanaged.passRetained(body).toOpaque()
        let status = invok_simulation_start_thread(enter, argument)
        precondition(status == 0, "no thread for a simulation: error \(status)")
    }
}

private func enter(_ body: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    if let body { Unmanaged<SimThread.Body>.fromOpaque(body).takeRetainedValue().run() }
    return nil
}
