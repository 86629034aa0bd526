public import Hummingbird
import InvokProxy
public import Logging

/// What goes with a request of the control API.
public struct APIContext: RequestContext {
    public var coreContext: CoreRequestContextStorage
    let caller: Caller
    /// Names the request.
    public var requestID = ""

    /// Where it came on.
    let connection: any ClientConnection

    public init(source: Source) {
        coreContext = CoreRequestContextStorage(source: source)
        connection = source.connection
        caller = source.caller
    }

    /// What a context is made from.
    public struct Source: RequestContextSource {
        let connection: any ClientConnection
        let caller: Caller
        public let logger: Logger
    }
}
