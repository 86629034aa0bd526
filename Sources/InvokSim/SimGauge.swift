import Invok
import Synchronization

/// How much is in use of something that has a limit: counted where it is used, apart from whoever keeps the limit.
package final class SimGauge: Sendable {
    private let used = Mutex(0)
    private let what: String
    private let limit: Int
    private let observer: any SimObserver

    /// - Parameters:
    ///   - what: is used, in the plural.
    ///   - limit: how much of it may be in use at a time.
    package init(_ what: String, limit: Int, observer: any SimObserver) {
        self.what = what
        self.limit = limit
        self.observer = observer
    }

    package func take(_ amount: Int = 1) {
        let now = used.withLock { used in
            used += amount
            return used
        }
        if now == limit { observer.mark("all \(what) in use") }
        observer.require(now <= limit, "\(now) \(what) are in use; \(limit) may be")
    }

    package func give(_ amount: Int = 1) { used.withLock { $0 -= amount } }

    /// Takes one for as long as the body runs. What a core uses it uses no more once it has crashed.
    package func during<Value: Sendable, Failure: Error>(
        _ body: () async throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        await SimCore.fence()
        take()
        let core = SimCore.current
        let ticket = core?.atCrash { self.give() }
        defer { if ticket.map({ core?.settle($0) == true }) ?? true { give() } }
        return try await body()
    }
}
