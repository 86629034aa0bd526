/// The alarms of somebody who waits for many points in time: few sleepers, whatever the number of points.
///
/// A machine: it says when to set one more alarm; who drives it sleeps until then, calls `ring`, looks at all that is
/// due, and has the rest covered again.
struct Alarms: Sendable {
    /// How late an alarm may be: points close together share one.
    static let granularity = Duration.milliseconds(100)

    /// Those that are set, the latest first.
    private var instants: [Instant] = []

    /// Makes sure that an alarm rings at the point in time or soon after it, or before it.
    /// - Parameter now: what is due by now has been done as far as it could be, so it is looked at again a little later,
    ///   and not without end.
    /// - Returns: when to ring; `nil` when one that is set already rings no later.
    mutating func cover(_ due: Instant, now: Instant) -> Instant? {
        let alarm = Self.roundedUp(max(due, now.advanced(by: .nanoseconds(1))))
        if let next = instants.last, next <= alarm { return nil }
        instants.append(alarm)
        return alarm
    }

    /// Takes away those that have rung.
    mutating func ring(now: Instant) {
        while let next = instants.last, next <= now { instants.removeLast() }
    }

    private static func roundedUp(_ due: Instant) -> Instant {
        let step = granularity.wholeNanoseconds
        let rest = due.nanoseconds % step
        return rest == 0 ? due : due.advanced(by: .nanoseconds(step - rest))
    }
}
