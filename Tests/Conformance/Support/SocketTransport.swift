import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import TestSupport
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

    func tunnel(_ call: Call) async throws -> Answer {
        let connection = try await ByteConnection.connect(port: try #require(URL(string: url)?.port))
        let fields = call.headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        try await connection.write("\(call.method) \(call.path) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n")
        let lines = try #require(try await connection.text(through: "\r\n\r\n")).components(separatedBy: "\r\n")
        try #require(lines[0].hasPrefix("HTTP/1.1 101 "), "\(lines)")
        try await connection.write(call.body ?? [])
        try await connection.finish()
        let body = try await connection.rest()
        try? await connection.close()
        let headers = lines.dropFirst().compactMap { line -> (String, String)? in
            let parts = line.split(separator: ":", maxSplits: 1)
            return parts.count == 2 ? (String(parts[0]), parts[1].trimmingCharacters(in: .whitespaces)) : nil
        }
        return Answer(status: 101, headers: headers, body: body)
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
