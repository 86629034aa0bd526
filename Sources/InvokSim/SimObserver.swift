/// Watches a run from outside: whom simulated parts tell what they see.
package protocol SimObserver: Sendable {
    /// Counts that the run came by here.
    func mark(_ name: String)
    /// What must hold, and what is wrong where it does not.
    func require(_ holds: Bool, _ text: @autoclosure () -> String)
}
