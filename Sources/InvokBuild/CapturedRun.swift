import InvokPOSIX

/// What an isolated command printed and how it ended.
package struct CapturedRun: Sendable {
    package let status: ExitStatus
    /// Head and tail where it was long.
    package let output: [UInt8]
    package let outOfMemoryKills: Int

    package init(status: ExitStatus, output: [UInt8], outOfMemoryKills: Int) {
        self.status = status
        self.output = output
        self.outOfMemoryKills = outOfMemoryKills
    }

    package var text: String { String(decoding: output, as: UTF8.self) }
}

/// Keeps the first and the last bytes of an output of any length.
package struct CappedOutput: Sendable {
    package let limit: Int
    private var head: [UInt8] = []
    private var tail: [UInt8] = []
    private var dropped = 0

    package init(limit: Int) { self.limit = limit }

    package mutating func append(_ bytes: some Collection<UInt8>) {
        let room = limit / 2 - head.count
        head += bytes.prefix(room)
        tail += bytes.dropFirst(room)
        // Trimmed only now and then, so that a long output costs a copy for each half limit, not for each read.
        guard tail.count > limit else { return }
        dropped += tail.count - limit / 2
        tail.removeFirst(tail.count - limit / 2)
    }

    package var bytes: [UInt8] {
        let excess = max(0, tail.count - limit / 2)
        guard dropped + excess > 0 else { return head + tail }
        return head + Array("\n… \(dropped + excess) bytes left out …\n".utf8) + tail.dropFirst(excess)
    }
}
