public import Hummingbird
public import Logging

/// What goes with a request of the control API.
public struct APIContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    /// The client's address without its port, or `unknown`.
    var client: String { connection.client }
    /// Names the request.
    public var requestID = ""

    /// Where it came on.
    let connection: any ClientConnection

    public init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
        connection = source.connection
    }

    /// What a context is made from.
    public struct Source: RequestContextSource {
        let connection: any ClientConnection
        public let logger: Logger
    }
}
