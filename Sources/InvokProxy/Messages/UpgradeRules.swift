/// Which upgrades a function is offered, and which of its answers takes one (RFC 9110 §7.8).
enum UpgradeRules {
    /// The value of `Upgrade` that a function gets.
    /// - Parameters:
    ///   - values: those of the client's `Upgrade`.
    ///   - connection: those of its `Connection`, which has to name the field.
    static func offer(_ values: [ArraySlice<UInt8>], connection: [ArraySlice<UInt8>]) -> [UInt8]? {
        elements(connection).contains { Characters.areEqual($0, "upgrade") } ? offer(values) : nil
    }

    /// The same where `Connection` has been looked at before.
    /// - Returns: `nil` where nothing is offered: one of the protocols is none, or is HTTP itself. Nobody reads a tunnel, so
    ///   that requests in it would pass by every rule of the gateway (h2c smuggling).
    static func offer(_ values: [ArraySlice<UInt8>]) -> [UInt8]? {
        let protocols = elements(values)
        guard !protocols.isEmpty, protocols.allSatisfy(isOfferable) else { return nil }
        return Array(protocols.joined(separator: ", ".utf8))
    }

    /// Whether an answer of 101 goes on in what was offered, and in that alone.
    /// - Parameters:
    ///   - values: those of its `Upgrade`.
    ///   - offer: what the function got.
    static func isTaken(_ values: [ArraySlice<UInt8>], of offer: [UInt8]) -> Bool {
        let offered = elements([offer[...]])
        let taken = elements(values)
        return !taken.isEmpty
            && taken.allSatisfy { taken in offered.contains { Characters.areEqualIgnoringCase($0, taken) } }
    }

    private static func elements(_ values: [ArraySlice<UInt8>]) -> [ArraySlice<UInt8>] {
        values.flatMap { $0.split(separator: UInt8(ascii: ",")) }.map(Characters.trimmed).filter { !$0.isEmpty }
    }

    /// A name, and perhaps a version behind it.
    private static func isOfferable(_ text: ArraySlice<UInt8>) -> Bool {
        let parts = text.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(Characters.isToken) }) else { return false }
        return !Characters.areEqual(parts[0], "h2c") && !Characters.areEqual(parts[0], "http")
    }
}
