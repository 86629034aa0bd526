/// The body of `POST /api/v1/functions/{namespace}/{name}/call`: a request to make of the function.
public struct CallRequest: Hashable, Sendable, Codable {
    public struct Header: Hashable, Sendable, Codable {
        public var name: String
        public var value: String

        public init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    public var method: String
    /// The sub-path and query: empty, or beginning with `/` or `?`.
    public var path: String?
    public var headers: [Header]?
    /// Base64 (RFC 4648 §4).
    public var body: String?

    public init(method: String, path: String? = nil, headers: [Header]? = nil, body: String? = nil) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
    }
}

/// The event `head`: how the function's answer begins.
public struct CallHead: Hashable, Sendable, Codable {
    public var status: Int
    public var headers: [CallRequest.Header]
    /// Until then, from when the server began.
    public var milliseconds: Double

    public init(status: Int, headers: [CallRequest.Header], milliseconds: Double) {
        self.status = status
        self.headers = headers
        self.milliseconds = milliseconds
    }
}

/// The event `end`: the answer was whole, or as much of it as is shown.
public struct CallEnd: Hashable, Sendable, Codable {
    /// Of the body.
    public var bytes: Int
    public var milliseconds: Double
    /// Whether there was more than `bytes`.
    public var truncated: Bool

    public init(bytes: Int, milliseconds: Double, truncated: Bool) {
        self.bytes = bytes
        self.milliseconds = milliseconds
        self.truncated = truncated
    }
}

/// The answer to `GET /api/v1/templates/{runtime}`: what a new function begins with.
public struct TemplateMessage: Hashable, Sendable, Codable {
    public var runtime: Runtime
    public var name: String
    /// Text by path.
    public var files: [String: String]

    public init(runtime: Runtime, name: String, files: [String: String]) {
        self.runtime = runtime
        self.name = name
        self.files = files
    }
}
