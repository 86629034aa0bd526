import HTTPTypes
import Hummingbird
import Invok
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// JSON bodies (RFC 8259), small ones.
enum JSONBody {
    static let maximumBytes = 64 * 1024
    /// What anybody may send, also who has shown no token: it is held in memory until it is whole.
    static let openBytes = 8 * 1024

    /// The document may be shown on a terminal, as `curl` does: control characters in it are escaped.
    static func encode(_ message: some Encodable) throws -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let document = String(decoding: try encoder.encode(message), as: UTF8.self)
        return ByteBuffer(string: PlainText.escapedJSON(document))
    }

    /// Reads the body of a request.
    /// - Parameters:
    ///   - fallback: stands for a body that is empty.
    ///   - limit: the most bytes that are read.
    /// - Throws: `unsupported_media_type`, `payload_too_large`, or `invalid_request` that names the field and what is
    ///   wrong with it.
    static func decode<Message: Decodable>(
        _ type: Message.Type, from request: Request, whenEmpty fallback: Message? = nil,
        atMost limit: Int = maximumBytes
    ) async throws -> Message {
        if let given = request.headers[.contentType], !isJSON(given) {
            throw InvokError(
                .unsupportedMediaType, "the body is '\(given.prefix(80))', but must be JSON",
                nextStep: "send 'Content-Type: application/json'")
        }
        var bytes: [UInt8] = []
        for try await buffer in request.body {
            guard bytes.count + buffer.readableBytes <= limit else {
                throw InvokError(.payloadTooLarge, "the body is larger than \(limit) bytes")
            }
            bytes.append(contentsOf: buffer.readableBytesView)
        }
        if bytes.isEmpty, let fallback { return fallback }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw explain(error)
        }
    }

    private static func isJSON(_ mediaType: String) -> Bool {
        let essence = mediaType.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        return essence == "application/json" || essence.hasSuffix("+json")
    }

    private static func explain(_ error: any Error) -> InvokError {
        guard let error = error as? DecodingError else { return .invalidRequest("the body is not JSON") }
        switch error {
        case .keyNotFound(let key, let context):
            return .invalidRequest("the field '\(path(context.codingPath + [key]))' is missing")
        case .typeMismatch(let type, let context):
            return .invalidRequest("\(subject(context)) must be \(noun(type))")
        case .valueNotFound(let type, let context):
            return .invalidRequest("\(subject(context)) is null, but must be \(noun(type))")
        case .dataCorrupted(let context) where context.codingPath.isEmpty:
            return .invalidRequest("the body is not JSON")
        case .dataCorrupted(let context): return .invalidRequest("\(subject(context)) has a value that is not allowed")
        @unknown default: return .invalidRequest("the body is not as expected")
        }
    }

    private static func subject(_ context: DecodingError.Context) -> String {
        context.codingPath.isEmpty ? "the body" : "the field '\(path(context.codingPath))'"
    }

    private static func path(_ keys: [any CodingKey]) -> String { keys.map(\.stringValue).joined(separator: ".") }

    private static func noun(_ type: any Any.Type) -> String {
        switch type {
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is any BinaryInteger.Type: "a whole number"
        case is any BinaryFloatingPoint.Type: "a number"
        case is any Collection.Type where "\(type)".hasPrefix("Array"): "a list"
        default: "an object"
        }
    }
}
