import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Testing

/// Real HTTP to a server's port.
struct SocketTransport: Transport {
    private static let timeout = TimeAmount.seconds(60)

    /// Scenarios run side by side, and none may wait for another's connection.
    private static let http = {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 500
        return HTTPClient(configuration: configuration)
    }()

    /// `http://127.0.0.1:PORT`.
    let url: String

    func send(_ call: Call) async throws -> Answer {
        let response = try await Self.http.execute(request(call), timeout: Self.timeout)
        let content = try await response.body.collect(upTo: 64 << 20)
        return Answer(
            status: Int(response.status.code), headers: response.headers.map { ($0.name, $0.value) },
            body: Array(content.readableBytesView))
    }

    func lines(_ call: Call) async throws -> AsyncThrowingStream<String, any Error> {
        let response = try await Self.http.execute(request(call), timeout: Self.timeout)
        try #require(response.status == .ok)
        return AsyncThrowingStream { continuation in
            let task = Task {
                var lines = Lines()
                for try await chunk in response.body {
                    for line in lines.add(String(buffer: chunk)) { continuation.yield(line) }
                }
                continuation.finish()
            }
            continuation.onTermination = { _ in task.cancel() }
        }
    }

    private func request(_ call: Call) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url + call.path)
        request.method = .init(rawValue: call.method)
        for (name, value) in call.headers { request.headers.add(name: name, value: value) }
        if let body = call.body { request.body = .bytes(body) }
        return request
    }
}
