import HTTPTypes
import Invok
import InvokProxy
import Logging

/// One line for each request; those to functions, of which there may be thousands a second, only for who debugs. The query is left out, since it may hold secrets, and so are all header fields.
enum AccessLog {
    static func write(
        _ request: HTTPRequest, _ summary: AnswerSummary, requestID: String, client: String,
        isInvocation: Bool, duration: Duration,
        to logger: Logger
    ) {
        guard logger.logLevel <= .info else { return }
        let path = String((request.path ?? "").prefix { $0 != "?" }.prefix(512))
        let isFrequent = isInvocation || path == "/healthz" || path == "/readyz"
        let level: Logger.Level = isFrequent ? .debug : .info
        guard logger.logLevel <= level else { return }
        let milliseconds = Double(duration.wholeNanoseconds / 10_000) / 100
        logger.log(
            level: level, "request",
            metadata: [
                "method": "\(request.method.rawValue)", "path": "\(path)", "status": "\(summary.status ?? 0)",
                "bytes": "\(summary.bytes)", "whole": "\(summary.isWhole)", "milliseconds": "\(milliseconds)",
                "client": "\(client)", "request_id": "\(requestID)",
            ])
    }
}
