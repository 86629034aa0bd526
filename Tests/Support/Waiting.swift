public struct NeverHappened: Error, CustomStringConvertible {
    public let description: String

    public init(description: String) { self.description = description }
}

/// Asks again until it is so. What is asked for comes by itself, and the server has no event to tell it by.
public func eventually(
    _ what: String, within limit: Duration = .seconds(30), _ condition: () async throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let deadline = clock.now + limit
    while try await !condition() {
        guard clock.now < deadline else { throw NeverHappened(description: "within \(limit): \(what)") }
        try await clock.sleep(for: .milliseconds(20))
    }
}
