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
    public var functions: [FunctionStatus]

    public init(version: String, world: [String: String], functions: [FunctionStatus]) {
        self.version = version
        self.world = world
        self.functions = functions
    }
}
