import Invok
import Synchronization
import TestSupport

/// A server on a unix socket of its own that hands each connection's bytes to a script.
struct TestServer: Sendable {
    let endpoint: InstanceEndpoint
    private let accepted: Counter

    /// How many connections have come.
    var connections: Int { accepted.value }

    /// Runs a server while `body` runs. The script of a connection may return to close it.
    @discardableResult
    static func run<Value: Sendable>(
        script: @escaping @Sendable (ByteConnection) async throws -> Void,
        body: (TestServer) async throws -> Value
    ) async throws -> Value {
        let path = "/tmp/invok-\(UInt64.random(in: .min ... .max)).sock"
        let accepted = Counter()
        return try await ByteServer.run(unixSocket: path) { connection in
            accepted.increment()
            try await script(connection)
        } body: {
            try await body(TestServer(endpoint: .unixSocket(path), accepted: accepted))
        }
    }

    /// A server that answers each request on a connection with the same bytes, once it has read the head.
    static func answering<Value: Sendable>(
        _ answer: String, body: (TestServer) async throws -> Value
    ) async throws -> Value {
        try await run { connection in
            while try await connection.head() != nil { try await connection.write(answer) }
        } body: {
            try await body($0)
        }
    }
}

final class Counter: Sendable {
    private let count = Atomic(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func increment() { count.add(1, ordering: .sequentiallyConsistent) }
}

extension ByteConnection {
    /// The next request's head, or `nil` at the end.
    func head() async throws -> String? { try await text(through: "\r\n\r\n") }
}
