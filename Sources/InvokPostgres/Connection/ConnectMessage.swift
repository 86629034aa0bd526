/// What libpq says of a connection that failed, in its verbose form: `… FATAL:  28P01: password authentication failed
/// for user "invok" LOCATION: auth_failed, auth.c:335`.
struct ConnectMessage {
    let error: PostgresError

    init(_ text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: true)
        let state = words.indices.dropFirst().first { index in
            words[index - 1].hasSuffix(":") && Self.isState(words[index])
        }
        // Where in the server's source it happened helps nobody here.
        let end = words.firstIndex(of: "LOCATION:") ?? words.endIndex
        let start = state.map { $0 + 1 } ?? words.startIndex
        let message = words[min(start, end)..<end].joined(separator: " ")
        error = .notConnected(state.map { SQLState(String(words[$0].dropLast())) }, message)
    }

    /// `28P01:`
    private static func isState(_ word: Substring) -> Bool {
        word.utf8.count == 6 && word.hasSuffix(":")
            && word.dropLast().allSatisfy { $0.isASCII && ($0.isNumber || $0.isUppercase) }
            && word.first?.isNumber == true
    }
}
