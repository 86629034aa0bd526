import Invok
import InvokSim
import Synchronization

/// What clients saw of their calls, by the life of the core that they asked, to be held against what that core has counted.
///
/// A call whose answer came whole must be counted once, with its status. One that ended otherwise may have been anything: its
/// client went, or the network broke, at a moment that only the core knows.
final class SimCallTally: Sendable {
    /// Of the calls of one function.
    private struct Seen {
        /// Answered by the function, by the hundreds of the status.
        var answered = [UInt64](repeating: 0, count: 6)
        /// Answered by the core instead, for the function or because nobody was let in to one.
        var refused = [UInt64](repeating: 0, count: 6)
        /// Ended otherwise, or not yet.
        var open: UInt64 = 0
        var answerBytes: UInt64 = 0
        /// Of all bodies, whoever took them.
        var requestBytes: UInt64 = 0
    }

    private let seen = Mutex<[String: [FunctionKey: Seen]]>([:])

    /// A request is about to be sent to a life of a core.
    func begin(_ key: FunctionKey, on core: String, bodyBytes: Int) {
        change(key, on: core) { seen in
            seen.open += 1
            seen.requestBytes += UInt64(bodyBytes)
        }
    }

    /// Its answer came whole.
    /// - Parameter isByFunction: whether a function gave it.
    func end(_ key: FunctionKey, on core: String, status: Int, isByFunction: Bool, bodyBytes: Int) {
        change(key, on: core) { seen in
            seen.open -= 1
            let hundreds = (1...5).contains(status / 100) ? status / 100 : 0
            guard isByFunction else {
                seen.refused[hundreds] += 1
                return
            }
            seen.answered[hundreds] += 1
            seen.answerBytes += UInt64(bodyBytes)
        }
    }

    private func change(_ key: FunctionKey, on core: String, _ body: (inout Seen) -> Void) {
        seen.withLock { body(&$0[core, default: [:]][key, default: Seen()]) }
    }

    /// Holds both against each other, once nothing goes on.
    func check(_ life: SimNode.Life, _ checker: SimChecker) {
        let (core, ledger) = (life.core.name, life.system.calls.current)
        let functions = seen.withLock { $0[core] ?? [:] }
        guard !functions.isEmpty else { return }
        checker.mark("calls counted")
        for (key, seen) in functions.sorted(by: { $0.key < $1.key }) {
            check(key, seen, ledger, on: core, checker)
        }
        let counted = ledger.functions.values.map(\.calls) + [ledger.others.calls, ledger.strays]
        let open = functions.values.reduce(0) { $0 + $1.open }
        for hundreds in 0..<6 {
            let known = functions.values.reduce(0) { $0 + $1.answered[hundreds] + $1.refused[hundreds] }
            let sum = counted.reduce(0) { $0 + $1.statuses[hundreds] }
            checker.require(
                (known...known + open).contains(sum),
                "\(core) counts \(sum) calls with \(hundreds)xx; clients saw \(known), and \(open) are open")
        }
        let (sum, known) = (counted.reduce(0) { $0 + $1.calls }, functions.values.reduce(0) { $0 + Self.known($1) })
        checker.require(
            (known...known + open).contains(sum),
            "\(core) counts \(sum) calls in all; clients saw \(known), and \(open) are open")
    }

    private static func known(_ seen: Seen) -> UInt64 { (seen.answered + seen.refused).reduce(0, +) }

    private func check(
        _ key: FunctionKey, _ seen: Seen, _ ledger: CallLedger, on core: String, _ checker: SimChecker
    ) {
        let counts = ledger.functions[key]?.calls ?? CallCounts()
        // A function that was deleted and deployed again began anew.
        let others = ledger.others.calls
        for hundreds in 0..<6 {
            let (found, answered) = (counts.statuses[hundreds], seen.answered[hundreds])
            checker.require(
                answered <= found + others.statuses[hundreds]
                    && found <= answered + seen.refused[hundreds] + seen.open,
                "\(core) counts \(found) calls of \(key) with \(hundreds)xx; clients saw \(answered) of the function and"
                    + " \(seen.refused[hundreds]) of the core, and \(seen.open) are open")
        }
        checker.require(
            counts.requestBytes <= seen.requestBytes,
            "\(core) counts \(counts.requestBytes) bytes of requests to \(key); clients had \(seen.requestBytes)")
        checker.require(
            counts.answerBytes + others.answerBytes >= seen.answerBytes,
            "\(core) counts \(counts.answerBytes) bytes of answers of \(key); clients got \(seen.answerBytes)")
        guard seen.open == 0, seen.refused.allSatisfy({ $0 == 0 }), others.calls == 0 else { return }
        checker.mark("bytes counted")
        checker.require(
            counts.answerBytes == seen.answerBytes,
            "\(core) counts \(counts.answerBytes) bytes of answers of \(key); clients got \(seen.answerBytes)")
    }
}
