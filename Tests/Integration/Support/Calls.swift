import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// One answer of a function, read to its end.
struct Call {
    let status: Int
    let headers: HTTPHeaders
    let body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }

    /// Calls a URL without a login.
    static func to(
        _ url: String, method: HTTPMethod = .GET, headers: HTTPHeaders = [:], body: [UInt8]? = nil,
        by client: HTTPClient = .shared
    ) async throws -> Call {
        var request = HTTPClientRequest(url: url)
        request.method = method
        request.headers = headers
        if let body { request.body = .bytes(body) }
        let response = try await client.execute(request, timeout: .seconds(60))
        let buffer = try await response.body.collect(upTo: 64 << 20)
        return Call(
            status: Int(response.status.code), headers: response.headers, body: Array(buffer.readableBytesView))
    }
}
