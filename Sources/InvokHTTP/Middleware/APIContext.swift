public import Hummingbird
import Logging
import NIOCore

/// What goes with a request of the control API.
public struct APIContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// The client's address without its port, or `unknown`.
    public let client: String
    /// Names the request.
    public var requestID = ""

    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        client = source.channel.remoteAddress?.ipAddress ?? "unknown"
    }
}
