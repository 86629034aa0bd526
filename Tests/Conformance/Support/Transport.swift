/// A request as a client makes it.
struct Call: Sendable {
    let method: String
    let path: String
    var headers: [(name: String, value: String)] = []
    var body: [UInt8]?
}

/// What came back, read whole.
struct Answer: Sendable {
    let status: Int
    let headers: [(name: String, value: String)]
    let body: [UInt8]
}

/// How calls reach an installation.
protocol Transport: Sendable {
    /// - Throws: when the answer did not come, or broke off. Who is cancelled hangs up.
    func send(_ call: Call) async throws -> Answer
    /// Offers an upgrade, sends the call's body in the tunnel, and ends the sending.
    /// - Returns: the answer; its body is what came in the tunnel.
    /// - Throws: when no upgrade was taken.
    func tunnel(_ call: Call) async throws -> Answer
    /// The lines of an answer as they come.
    /// - Throws: when its status is not 200.
    func lines(_ call: Call) async throws -> AsyncThrowingStream<String, any Error>
}

/// Cuts what comes in pieces into lines.
struct Lines: Sendable {
    private var rest = ""

    mutating func add(_ piece: String) -> [String] {
        rest += piece
        var lines: [String] = []
        while let end = rest.firstIndex(where: \.isNewline) {
            lines.append(String(rest[..<end]))
            rest = String(rest[rest.index(after: end)...])
        }
        return lines
    }
}
