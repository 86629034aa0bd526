import CZlib
import HTTPTypes
import InvokModel
import Synchronization

/// A file as it is sent: whole, compressed where the browser takes that, and not at all where it has it.
final class StaticFile: Sendable {
    enum Lifetime: String, Sendable {
        /// Its name changes with its content.
        case immutable = "public, max-age=31536000, immutable"
        /// The browser asks each time whether it is still the same.
        case checked = "no-cache"
    }

    private let content: [UInt8]
    private let mediaType: String
    private let policy: Policy
    private let lifetime: Lifetime
    private let tag: String
    /// Made when it is first asked for.
    private let compressed = Mutex<[UInt8]?>(nil)

    init(content: [UInt8], mediaType: String, policy: Policy, lifetime: Lifetime) {
        self.content = content
        self.mediaType = mediaType
        self.policy = policy
        self.lifetime = lifetime
        tag = "\"\(Digest(of: content).description.prefix(16))\""
    }

    func answer(to request: HTTPRequest) -> ConsoleFiles.Answer {
        var fields: HTTPFields = [.cacheControl: lifetime.rawValue, .eTag: tag, .vary: "Accept-Encoding"]
        policy.apply(to: &fields)
        let known = request.headerFields[.ifNoneMatch] ?? ""
        if known.split(separator: ",").contains(where: { $0.filter { $0 != " " }.hasSuffix(tag) }) {
            return ConsoleFiles.Answer(head: HTTPResponse(status: .notModified, headerFields: fields), body: [])
        }
        fields[.contentType] = mediaType
        var body = content
        if Self.takesGzip(request), let gzip = gzip() {
            fields[.contentEncoding] = "gzip"
            body = gzip
        }
        fields[.contentLength] = String(body.count)
        return ConsoleFiles.Answer(
            head: HTTPResponse(status: .ok, headerFields: fields), body: request.method == .head ? [] : body)
    }

    /// Whether gzip is among what the client takes (RFC 9110 §12.5.3).
    private static func takesGzip(_ request: HTTPRequest) -> Bool {
        (request.headerFields[.acceptEncoding] ?? "").split(separator: ",").contains { coding in
            let parts = coding.filter { $0 != " " }.split(separator: ";")
            guard parts.first == "gzip" else { return false }
            // A weight of nothing refuses it.
            return parts.dropFirst().allSatisfy { Double($0.drop { $0 != "=" }.dropFirst()) ?? 1 > 0 }
        }
    }

    /// Compresses it now.
    func prepare() { _ = gzip() }

    private func gzip() -> [UInt8]? {
        compressed.withLock { compressed in
            if compressed == nil { compressed = Gzip.compressed(content) }
            return compressed
        }
    }
}

/// RFC 1952, by zlib.
private enum Gzip {
    /// - Returns: `nil` where it would save nothing.
    static func compressed(_ content: [UInt8]) -> [UInt8]? {
        // On the heap: zlib keeps the address and refuses a stream that has moved.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        guard zlib_gzip_deflate_init(stream, Z_BEST_COMPRESSION) == Z_OK else { return nil }
        defer { deflateEnd(stream) }
        var isWhole = false
        let compressed = [UInt8](unsafeUninitializedCapacity: content.count) { output, count in
            content.withUnsafeBufferPointer { input in
                // zlib does not write through it; its type is older than const.
                stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.pointee.avail_in = UInt32(input.count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                isWhole = deflate(stream, Z_FINISH) == Z_STREAM_END
                count = output.count - Int(stream.pointee.avail_out)
            }
        }
        return isWhole ? compressed : nil
    }
}
