/// The answer to `GET /api/v1/status`: the server and what runs of the caller's functions.
public struct StatusMessage: Hashable, Sendable, Codable {
    public struct FunctionStatus: Hashable, Sendable, Codable {
        public var name: String
        public var version: Int?
        public var instances: Int
        /// Requests being answered or waiting.
        public var requests: Int

        public init(name: String, version: Int?, instances: Int, requests: Int) {
            self.name = name
            self.version = version
            self.instances = instances
            self.requests = requests
        }
    }

    public var version: String
    /// The adapter in use for each port, as `store: sqlite`.
    public var world: [String: String]
    /// The origin at which functions are called, `http://127.0.0.1:3000`, where the server knows it.
    public var functionsURL: String?
    public var functions: [FunctionStatus]

    enum CodingKeys: String, CodingKey {
        case version, world, functions
        case functionsURL = "functions_url"
    }

    public init(
        version: String, world: [String: String], functionsURL: String? = nil, functions: [FunctionStatus]
    ) {
        self.version = version
        self.world = world
        self.functionsURL = functionsURL
        self.functions = functions
    }
}
