import Foundation
import TestSupport
import Testing

/// A client of WebSockets (RFC 6455), as far as short frames go.
struct WebSocketClient: Sendable {
    private static let mask: [UInt8] = [1, 2, 3, 4]
    private static let text: UInt8 = 0x81
    private static let close: UInt8 = 0x88

    private let connection: ByteConnection

    /// Sends a handshake: the standard's own example, whose answer is known.
    /// - Throws: unless it is taken.
    static func connect(to url: String, token: String? = nil) async throws -> WebSocketClient {
        let (connection, head) = try await handshake(with: url, token: token)
        try #require(head.hasPrefix("HTTP/1.1 101 "), "\(head)")
        let lines = head.lowercased().split(separator: "\r\n")
        #expect(lines.contains("upgrade: websocket") && lines.contains("connection: upgrade"))
        #expect(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
        return WebSocketClient(connection: connection)
    }

    /// - Returns: the head of the answer, whatever it says.
    static func handshake(with url: String, token: String? = nil) async throws -> (ByteConnection, String) {
        let parts = try #require(URL(string: url))
        let connection = try await ByteConnection.connect(port: try #require(parts.port))
        let authorization = token.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        try await connection.write(
            "GET \(parts.path) HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\(authorization)\r\n")
        return (connection, try #require(try await connection.text(through: "\r\n\r\n")))
    }

    /// Sends a text of at most 125 bytes.
    /// - Returns: the next one that comes.
    func echo(_ text: String) async throws -> String {
        try await send(Self.text, text)
        let (kind, payload) = try await frame()
        #expect(kind == Self.text)
        return payload
    }

    /// Ends the connection as the standard has it.
    func sayGoodbye() async throws {
        try await send(Self.close, "")
        #expect(try await frame() == (Self.close, ""))
        try await ended()
    }

    /// Waits until the server has ended the connection, and hangs up.
    func ended() async throws {
        try await connection.closed()
        try? await connection.close()
    }

    private func send(_ kind: UInt8, _ text: String) async throws {
        let payload = text.utf8.enumerated().map { index, byte in byte ^ Self.mask[index % 4] }
        try await connection.write([kind, 0x80 | UInt8(payload.count)] + Self.mask + payload)
    }

    private func frame() async throws -> (UInt8, String) {
        let head = try #require(try await connection.bytes(2))
        let payload = try #require(try await connection.bytes(Int(head[1])))
        return (head[0], String(decoding: payload, as: UTF8.self))
    }
}
