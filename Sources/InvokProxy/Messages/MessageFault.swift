/// What is wrong with a message (RFC 9112). A connection on which it came is of no more use: where the next message
/// begins cannot be known.
package enum MessageFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// It came in plain text where TLS is spoken.
    case plainText
    /// The first line is none of this kind of message.
    case startLine
    case version
    /// What follows a CONNECT is a tunnel's (RFC 9110 §9.3.6), and nobody here is a proxy for that.
    case tunnel
    /// The request's target is none that its method may have (RFC 9112 §3.2).
    case target
    /// Not one `Host` that is a host's (RFC 9112 §3.2).
    case host
    /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
    case expectation
    /// No final answer has this status: one that is informational, an upgrade that nobody asked for, or none at all.
    case status(Int)
    /// A line does not end in CRLF, or a CR stands elsewhere.
    case lineEnd
    /// A field's line begins with a space: folding is obsolete (RFC 9112 §5.2), and read in two ways.
    case fold
    case fieldName
    case fieldValue
    case headTooLarge
    case tooManyFields
    /// `Content-Length` is not one plain number.
    case length
    /// `Transfer-Encoding` is other than `chunked`, or comes with a length or in HTTP/1.0.
    case coding
    case chunk
    /// The connection ended before the message did.
    case cutOff

    package var description: String {
        switch self {
        case .plainText: "no TLS around it"
        case .startLine: "a first line that is not HTTP"
        case .version: "a version other than HTTP/1.0 and HTTP/1.1"
        case .tunnel: "a CONNECT"
        case .target: "a target that is none"
        case .host: "no Host, more than one, or one that is no host"
        case .expectation: "an expectation other than '100-continue'"
        case .status(let code): "status \(code)"
        case .lineEnd: "a line that does not end in CRLF"
        case .fold: "a folded field"
        case .fieldName: "a field name that is no token"
        case .fieldValue: "control characters in a field"
        case .headTooLarge: "a head that is too large"
        case .tooManyFields: "too many fields"
        case .length: "a Content-Length that is no length"
        case .coding: "a Transfer-Encoding other than 'chunked'"
        case .chunk: "a chunk that is none"
        case .cutOff: "an end in the middle"
        }
    }
}
