import HTTPTypes
import Invok

/// What the head of an instance's answer must be, beyond what the parser holds it to.
enum AnswerRules {
    /// - Returns: what is wrong with it, or `nil`.
    static func fault(status: Int, isHTTP10: Bool, _ fields: HTTPFields) -> String? {
        // No final answer is informational, nor 101: no upgrade was asked for.
        guard (200...999).contains(status) else { return "status \(status)" }
        let codings = fields[values: .transferEncoding]
        if !codings.isEmpty {
            // Another coding below the chunks would pass for the content itself (RFC 9112 §6.1).
            guard !isHTTP10, codings.count == 1, codings[0].lowercased() == "chunked" else {
                return "a Transfer-Encoding other than 'chunked'"
            }
        }
        let lengths = fields[values: .contentLength]
        guard lengths.count <= 1, lengths.allSatisfy({ ContentLength.parse($0) != nil }) else {
            return "a Content-Length that is no length"
        }
        return nil
    }
}
