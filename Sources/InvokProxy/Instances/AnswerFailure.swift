import NIOCore

/// Why an answer will not come, or not whole, in words for whoever wrote the function.
struct AnswerFailure: CustomStringConvertible {
    /// Whether the connection was closed, and not by what came on it.
    let isClosed: Bool
    let description: String

    init(_ error: any Error) {
        isClosed = error is ChannelError || error is IOError
        description =
            switch error {
            case let fault as LimitedFault: fault.description
            case _ where isClosed: "it closed the connection before its answer had ended"
            default: "\(error)"
            }
    }
}

/// What is wrong with an answer, with the limit that it is over.
struct LimitedFault: Error, CustomStringConvertible {
    let fault: MessageFault
    let limits: HeadLimits

    var description: String {
        switch fault {
        case .headTooLarge: "the headers of its answer are more than \(limits.bytes) bytes together"
        case .tooManyFields: "its answer has more than \(limits.fields) header fields"
        default: "its answer has \(fault)"
        }
    }
}
