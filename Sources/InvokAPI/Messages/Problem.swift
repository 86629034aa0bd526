import HTTPTypes
import Hummingbird
import Invok
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The one place where an error becomes HTTP: `application/problem+json` (RFC 9457).
public enum Problem {
    public static let mediaType = "application/problem+json"

    /// The status that goes with a code.
    public static func status(of code: InvokError.Code) -> HTTPResponse.Status {
        switch code {
        case .invalidRequest, .invalidEmail, .invalidPassword, .invalidName, .invalidConfig, .invalidArchive,
            .unknownRuntime:
            .badRequest
        case .unauthenticated, .wrongCredentials: .unauthorized
        case .accountDisabled, .forbidden, .quotaExceeded, .registrationClosed: .forbidden
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .emailTaken, .conflict, .deployInProgress: .conflict
        case .payloadTooLarge: .contentTooLarge
        case .unsupportedMediaType: .unsupportedMediaType
        case .buildFailed, .startFailed: .unprocessableContent
        case .tooManyRequests: .tooManyRequests
        case .expectationFailed: .expectationFailed
        case .misdirected: .misdirectedRequest
        case .notImplemented: .notImplemented
        case .internal: .internalServerError
        case .functionFailed: .badGateway
        case .noCapacity, .unavailable: .serviceUnavailable
        case .functionTimeout: .gatewayTimeout
        case .storageFull: HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
        }
    }

    /// Any error as one of ours. What nobody foresaw says nothing about itself to the outside.
    static func invokError(_ error: any Error) -> InvokError {
        switch error {
        case let error as InvokError where error.code == .internal: return unexpected(error.inner ?? error.message)
        case let error as InvokError: return error
        case let error as HTTPError:
            switch error.status {
            case .notFound: return noSuchRoute
            case .contentTooLarge:
                return InvokError(.payloadTooLarge, "the body of the request is too large")
            case .badRequest: return .invalidRequest("the request is malformed")
            default: return unexpected("\(error)")
            }
        default: return unexpected("\(error)")
        }
    }

    static let noSuchRoute = InvokError(
        .notFound, "there is nothing at this path", nextStep: "see /api/openapi.json for what there is")

    private static func unexpected(_ inner: String) -> InvokError {
        InvokError(
            .internal, "something went wrong inside the server",
            nextStep: "try again; if it stays, give the operator the request id", inner: inner)
    }

    /// The answer for an error.
    public static func response(for error: InvokError, requestID: String) -> Response {
        let (head, body) = message(for: error, requestID: requestID)
        return Response(status: head.status, headers: head.headerFields, body: ResponseBody(byteBuffer: body))
    }

    /// The same, for whoever writes it without a router.
    static func message(for error: InvokError, requestID: String) -> (head: HTTPResponse, body: ByteBuffer) {
        let status = status(of: error.code)
        let message = ProblemMessage(
            type: "about:blank", title: status.reasonPhrase, status: status.code, detail: error.message,
            code: error.code.rawValue, requestID: requestID, nextStep: error.nextStep, buildLog: error.buildLog,
            quota: error.quota.map(ProblemMessage.Quota.init))
        var fields: HTTPFields = [.cacheControl: "no-store"]
        if status == .unauthorized { fields[.wwwAuthenticate] = "Bearer realm=\"invok\"" }
        if let seconds = error.retryAfterSeconds { fields[.retryAfter] = String(seconds) }
        // A message of texts and numbers always has a JSON form.
        let body = (try? JSONBody.encode(message)) ?? ByteBuffer(string: "{}")
        fields[.contentType] = mediaType
        fields[.contentLength] = String(body.readableBytes)
        return (HTTPResponse(status: status, headerFields: fields), body)
    }
}

extension Response {
    /// An answer with a JSON body that is there whole.
    static func json(
        _ body: ByteBuffer, status: HTTPResponse.Status = .ok
    ) -> Response {
        let fields: HTTPFields = [
            .contentType: "application/json", .contentLength: String(body.readableBytes),
        ]
        return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: body))
    }

    static func json(_ message: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
        json(try JSONBody.encode(message), status: status)
    }
}
