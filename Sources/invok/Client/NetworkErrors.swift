import AsyncHTTPClient
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// Says in words why no answer came.
enum NetworkErrors {
    static func failure(_ error: any Error, host: HostAddress) -> Failure {
        if let failure = error as? Failure { return failure }
        return TrustedRoots.failure(error, host: host) ?? .unreachable(host, reason(error))
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let error = error.connectionErrors.first?.error { return reason(error) }
            return "there is no host named '\(error.host)'"
        case let error as IOError: return String(cString: strerror(error.errnoCode)).lowercased()
        case let error as HTTPClientError: return reason(error)
        case ChannelError.connectTimeout: return "it does not answer"
        case is NIOTooManyBytesError: return "its answer is too large"
        default: return "\(error)"
        }
    }

    private static func reason(_ error: HTTPClientError) -> String {
        switch error {
        case .connectTimeout: "it does not answer"
        case .deadlineExceeded, .readTimeout: "it took too long to answer"
        case .remoteConnectionClosed: "it closed the connection"
        case .tlsHandshakeTimeout: "it does not speak TLS (https)"
        default: error.description
        }
    }
}
