/// Runs the operation to its end also when the task that asks for it is cancelled: what must not stay half done when a
/// client goes away.
///
/// An unstructured task, since only such a one is not cancelled with its parent. Nobody is left behind by it: it is
/// waited for here.
package func shielded<Success: Sendable, Failure: Error>(
    _ operation: @Sendable @escaping () async throws(Failure) -> Success
) async throws(Failure) -> Success {
    let result = await Task<Result<Success, Failure>, Never> {
        do throws(Failure) {
            return .success(try await operation())
        } catch {
            return .failure(error)
        }
    }.value
    return try result.get()
}
