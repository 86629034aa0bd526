import AsyncHTTPClient
import Foundation
import Invok
import NIOCore
import NIOHTTP1

/// A user of a server.
struct ServerClient: Sendable {
    struct Answer: Sendable {
        let status: Int
        let body: [UInt8]
        /// `Retry-After`, where it is a number of seconds.
        let retryAfterSeconds: Int?

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    let url: String
    let namespace: String
    var token: String?
    var http = HTTPClient.shared

    static let hello = "def handler(request):\n    return 'hello'\n"

    static func register(at url: String, by http: HTTPClient = .shared) async throws -> ServerClient {
        let nobody = ServerClient(url: url, namespace: "", token: nil, http: http)
        let credentials = CredentialsRequest(email: "\(UUID().uuidString)@example.com", password: "correct horse")
        let answer = try await nobody.call(
            "POST", "/auth/register", type: "application/json", body: Array(JSONEncoder().encode(credentials)))
        let session = try JSONDecoder().decode(AuthResponse.self, from: Data(answer.body))
        return ServerClient(
            url: url, namespace: session.user.uuid.description, token: session.token, http: http)
    }

    func with(token: String?) -> ServerClient {
        ServerClient(url: url, namespace: namespace, token: token, http: http)
    }

    func path(_ name: String) -> String { "/invok/\(namespace)/\(name)" }

    func call(_ method: String, _ path: String, type: String? = nil, body: [UInt8] = []) async throws -> Answer {
        var request = HTTPClientRequest(url: url + path)
        request.method = .init(rawValue: method)
        if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
        if let type { request.headers.add(name: "Content-Type", value: type) }
        if !body.isEmpty { request.body = .bytes(body) }
        let response = try await http.execute(request, timeout: .seconds(60))
        let content = try await response.body.collect(upTo: 64 << 20)
        return Answer(
            status: Int(response.status.code), body: Array(content.readableBytesView),
            retryAfterSeconds: response.headers.first(name: "Retry-After").flatMap { Int($0) })
    }

    /// - Parameters:
    ///   - settings: more of its configuration, as `"access":"public"`.
    ///   - padding: a file of so many bytes that do not compress.
    func deploy(
        _ name: String, source: String, runtime: String = "python", settings: [String] = [], padding: Int = 0
    ) async throws -> Answer {
        var zip = ZipWriter()
        let config = [#""function_name":"\#(name)""#, #""runtime":"\#(runtime)""#] + settings
        zip.add("config.json", content: Array("{\(config.joined(separator: ","))}".utf8))
        let file = ["python": "function.py", "go": "function.go"][runtime] ?? "function.js"
        zip.add(file, content: Array(source.utf8))
        if padding > 0 {
            var generator = SystemRandomNumberGenerator()
            zip.add(
                "padding",
                content: (0..<padding / 8).flatMap { _ in
                    withUnsafeBytes(of: generator.next()) { Array($0) }
                })
        }
        return try await upload(zip.finish(), as: "\(name).zip")
    }

    /// Deploys an archive.
    func upload(_ archive: [UInt8], as fileName: String) async throws -> Answer {
        let head = "--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\(fileName)\"\r\n\r\n"
        return try await call(
            "POST", "/invok/deploy", type: "multipart/form-data; boundary=XX",
            body: Array(head.utf8) + archive + Array("\r\n--XX--\r\n".utf8))
    }
}

/// Runs the body with a folder that goes afterwards.
func withFolder<Value>(_ body: (URL) async throws -> Value) async throws -> Value {
    let folder = URL(filePath: NSTemporaryDirectory()).appending(
        path: "invok-integration-\(UUID().uuidString.prefix(8))")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try await body(folder.resolvingSymlinksInPath())
}
