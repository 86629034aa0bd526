/// Runs the operation until the deadline and cancels it then.
/// - Returns: what the operation returned or threw, or `nil` when the deadline came before it succeeded. The operation
///   has ended in any case.
func withDeadline<Success: Sendable, Failure: Error>(
    _ deadline: Instant, on clock: any Clock, _ operation: @Sendable @escaping () async throws(Failure) -> Success
) async -> Result<Success, Failure>? {
    await withDeadline(on: clock, { $0 < deadline ? deadline : nil }, operation)
}

/// Runs the operation until its time is over, which may move while it runs, and cancels it then.
/// - Parameter nextLook: when to ask again, from now; `nil` when the time is over.
/// - Returns: what the operation returned or threw, or `nil` when the time was over before it succeeded. The operation
///   has ended in any case.
func withDeadline<Success: Sendable, Failure: Error>(
    on clock: any Clock, _ nextLook: @Sendable @escaping (Instant) -> Instant?,
    _ operation: @Sendable @escaping () async throws(Failure) -> Success
) async -> Result<Success, Failure>? {
    await withTaskGroup(of: Race<Success, Failure>.self) { group in
        group.addTask {
            do throws(Failure) {
                return .ended(.success(try await operation()))
            } catch {
                return .ended(.failure(error))
            }
        }
        group.addTask {
            do throws(CancellationError) {
                while let look = nextLook(clock.now()) { try await clock.sleep(until: look) }
                return .expired
            } catch {
                return .cancelled
            }
        }
        var isExpired = false
        while let outcome = await group.next() {
            switch outcome {
            case .ended(let result):
                group.cancelAll()
                if case .failure = result, isExpired { return nil }
                return result
            case .expired:
                isExpired = true
                group.cancelAll()
            case .cancelled: break
            }
        }
        return nil
    }
}

private enum Race<Success: Sendable, Failure: Error>: Sendable {
    case ended(Result<Success, Failure>)
    case expired
    case cancelled
}
